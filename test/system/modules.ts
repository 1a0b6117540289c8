/** Which modules an agent loads, those of its threads included. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Modules {
  /** Put before the agent's command. */
  readonly wrap: readonly string[];
  /** URLs of what has been loaded so far. */
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
    loaded: () => (existsSync(list) ? readFileSync(list, 'utf8').split('\n') : []),
    forget: () => rmSync(list, { force: true }),
  };
}
