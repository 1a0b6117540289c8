/**
 * What `build.mjs` makes in dist/: the modules of each command and thread in a few files, which a start reads in 0.6 of the time.
 * It is used only while it is what the sources would give, so that nobody runs yesterday's code; else the sources are read.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The checkout. */
export const ROOT = join(import.meta.dirname, '../..');

/** @param {string} root */
export const distOf = (root) => join(root, 'dist');

/**
 * A file as it was: bytes, and Unix s of its last change; whole seconds, since images keep no more of a file.
 *
 * @typedef {readonly [size: number, changed: number]} State
 */
/**
 * `sources`: what was built, by path from the checkout; `made`: files in dist/.
 *
 * @typedef {{ readonly sources: Readonly<Record<string, State>>, readonly made: readonly string[] }} Stamp
 */

/** A thousand files are looked at before anything runs: paths are put together by hand, and this is made once. */
const QUIETLY = { throwIfNoEntry: false };

/**
 * @param {string} root
 * @param {string} path
 * @returns {State | undefined} undefined: there is none
 */
export function stateOf(root, path) {
  const file = statSync(`${root}/${path}`, QUIETLY);
  return file === undefined ? undefined : [file.size, Math.floor(file.mtimeMs / 1000)];
}

/**
 * @param {string} root
 * @returns {Stamp | undefined} undefined: nothing was built, or something else than this wrote there
 */
export function stampOf(root) {
  try {
    const { sources, made } = JSON.parse(readFileSync(join(distOf(root), 'stamp.json'), 'utf8'));
    return typeof sources === 'object' && sources !== null && Array.isArray(made) ? { sources, made } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes about 20 ms.
 *
 * @param {Stamp} stamp
 * @param {string} root
 * @returns {boolean} whether all is there that was made, and of sources that are as they were
 */
export function isFresh({ sources, made }, root) {
  const dist = distOf(root);
  if (!made.every((name) => existsSync(`${dist}/${name}`))) return false;
  return Object.entries(sources).every(([path, was]) => {
    const is = stateOf(root, path);
    return is !== undefined && is[0] === was?.[0] && is[1] === was[1];
  });
}

/**
 * What to import.
 *
 * @param {string} name in dist/
 * @param {string} source path from the checkout
 * @param {string} [root]
 * @returns {string}
 */
export function builtOr(name, source, root = ROOT) {
  const stamp = stampOf(root);
  return stamp !== undefined && isFresh(stamp, root) ? join(distOf(root), name) : join(root, source);
}
