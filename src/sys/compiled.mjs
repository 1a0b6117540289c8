/**
 * Code compiled by an earlier start, which Node keeps by the text of each file: with it a start takes less, and where sources are
 * read no thread loads the compiler of TypeScript, which takes some 10 MB of each for as long as it runs. JavaScript for that
 * reason: it is run before anything is looked up there.
 */
import { existsSync, mkdirSync } from 'node:fs';
// As a whole: an older Node, which lacks these, has to get as far as saying that it is too old.
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';

/** Says where it is to Node and to all threads that are started. */
const WHERE = 'NODE_COMPILE_CACHE';

/**
 * The directory: in what systemd made for the unit (CacheDirectory), else at home; undefined = there is neither.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function compiledIn({ CACHE_DIRECTORY: ofUnit, HOME: home }) {
  // systemd names several with colons between them; the first one is ours.
  const [base, below] = ofUnit ? [ofUnit.split(':')[0] ?? '', ''] : [home ?? '', '.cache/fourlane'];
  return base !== '' && existsSync(base) ? join(base, below, 'compiled') : undefined;
}

/**
 * Makes a directory and those above it, one by one: Node, asked for all of them, tries for ever where none can be, as in /proc.
 *
 * @param {string} directory
 * @returns {boolean} whether it is there
 */
function isMade(directory) {
  if (existsSync(directory)) return true;
  if (!isMade(dirname(directory))) return false;
  try {
    mkdirSync(directory);
  } catch {
    // Another start may have made it.
  }
  return existsSync(directory);
}

/**
 * Uses and keeps compiled code, unless who runs this process has said where it is, or that there be none. Where nothing can be
 * written it does nothing: each start compiles.
 *
 * @param {NodeJS.ProcessEnv} [env]
 */
export function keepCompiled(env = process.env) {
  if (env[WHERE] !== undefined || env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return;
  const directory = compiledIn(env);
  if (directory === undefined || !isMade(directory)) return;
  const { ENABLED } = nodeModule.constants.compileCacheStatus;
  if (nodeModule.enableCompileCache(directory).status === ENABLED) env[WHERE] = directory;
}

/**
 * Writes what this thread has compiled, once all is loaded: Node itself would do it at an orderly end, for which no thread of the
 * agent is left the time. Does nothing when all was compiled before.
 */
export function saveCompiled() {
  nodeModule.flushCompileCache();
}
