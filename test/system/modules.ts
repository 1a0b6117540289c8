/** Which modules an agent loads, those of its threads included, and those that were put together in a file of dist/. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Modules {
  /** Put before the agent's command. */
  readonly wrap: readonly string[];
  /** URLs of what has been loaded so far; of what a file of dist/ holds the paths. */
  readonly loaded: () => readonly string[];
  readonly forget: () => void;
}

/** Writes a hook into `dir` that lists every module that Node loads. */
export function watchModules(dir: string): Modules {
  const [list, hook] = [join(dir, 'modules'), join(dir, 'hook.mjs')];
  writeFileSync(
    hook,
    `import { appendFileSync } from 'node:fs';
     import { registerHooks } from 'node:module';
     registerHooks({
       load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); },
     });`,
  );
  return {
    wrap: ['env', `NODE_OPTIONS=--import=${hook}`],
    loaded: () => (existsSync(list) ? readFileSync(list, 'utf8').split('\n').flatMap(modulesOf) : []),
    forget: () => rmSync(list, { force: true }),
  };
}

/** esbuild says in a comment where each module begins. */
function modulesOf(url: string): readonly string[] {
  if (!url.includes('/dist/') || url.includes('/node_modules/')) return [url];
  const text = readFileSync(fileURLToPath(url), 'utf8');
  return [...text.matchAll(/^ *\/\/ ((?:src|node_modules)\/\S+)$/gm)].map(([, path]) => `/${path}`);
}
