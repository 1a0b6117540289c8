/** Images without a registry: the steps of a Dockerfile done on this machine, whose /usr stands in for the base image. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ensure } from '../../src/lab/ensure.ts';

export interface Image {
  /** Directory with what the steps made. */
  readonly root: string;
  readonly workdir: string;
}

/** `RUN apt-get … install -y … NAME…` */
const INSTALL =
  /^apt-get update && apt-get install -y --no-install-recommends ([a-z0-9.+ -]+?) && rm -rf \/var\/lib\/apt\/lists\/\*$/;
const NPM = /^npm ci [a-z0-9= -]+$/;

/**
 * Does the steps in an empty directory. FROM must be Node's image: this checkout's Node stands in. Packages that a step installs
 * are installed on this machine. `npm ci` runs as written. Throws for a step that it does not know.
 */
export function buildImage(dockerfile: string, context: string, root: string): Image {
  let workdir = '/';
  for (const step of dockerfile.trim().split('\n')) {
    const [, instruction = '', rest = ''] = /^(\w+) (.*)$/.exec(step.trim()) ?? [];
    const inside = (path: string) => join(root, path.startsWith('/') ? path : join(workdir, path));
    if (instruction === 'FROM' && rest.startsWith('node:')) continue;
    if (instruction === 'WORKDIR') workdir = rest;
    else if (instruction === 'COPY') copy(rest.split(' '), context, inside);
    else if (instruction === 'RUN' && INSTALL.test(rest)) ensure(INSTALL.exec(rest)![1]!.split(' '));
    else if (instruction === 'RUN' && NPM.test(rest)) npm(rest.split(' '), inside('.'));
    else throw new Error(`no stand-in for this step: ${step}`);
    mkdirSync(inside('.'), { recursive: true });
  }
  return { root, workdir };
}

/** A directory's content is copied to the target; files go into it when it ends in a slash. */
function copy(words: readonly string[], context: string, inside: (path: string) => string): void {
  const target = words.at(-1)!;
  for (const from of words.slice(0, -1)) {
    if (!existsSync(join(context, from))) throw new Error(`COPY ${from}: there is none`);
    cpSync(join(context, from), target.endsWith('/') ? join(inside(target), basename(from)) : inside(target), {
      recursive: true,
    });
  }
}

function npm(argv: readonly string[], cwd: string): void {
  const { status, stdout, stderr } = spawnSync(argv[0]!, argv.slice(1), { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`);
}
