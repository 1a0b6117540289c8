/** The catalogue: every keyword of keepalived 2.2 to 2.4 by the block it stands in. */
import { GLOBAL_DEFS, ROOT } from './globals.ts';
import type { Keyword } from './kinds.ts';
import { LVS } from './lvs.ts';
import { VRRP } from './vrrp.ts';

/** By block and keyword; `root` is the top of the file. */
export const CATALOGUE: Readonly<Record<string, Readonly<Record<string, Keyword>>>> = {
  root: ROOT,
  global_defs: GLOBAL_DEFS,
  ...VRRP,
  ...LVS,
};

/** What a keyword is in a block; undefined when the block does not have it. */
export function keywordOf(block: string, keyword: string): Keyword | undefined {
  const keywords = CATALOGUE[block];
  return keywords !== undefined && Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined;
}

const PRESENT = Object.entries(CATALOGUE).flatMap(([block, keywords]) =>
  Object.entries(keywords).flatMap(([keyword, { removed }]) => (removed === undefined ? [{ block, keyword }] : [])),
);
const BLOCKS = new Map(
  [...Map.groupBy(PRESENT, ({ keyword }) => keyword)].map(([keyword, found]) => [keyword, found.map(({ block }) => block)]),
);

/** The blocks that a keyword stands in, in the order of the catalogue. */
export function blocksWith(keyword: string): readonly string[] {
  return BLOCKS.get(keyword) ?? [];
}

/** What holds when a keyword is not written, as a number. @throws when the catalogue has no number there */
export function defaultOf(block: string, keyword: string): number {
  const value = Number(keywordOf(block, keyword)?.fallback);
  if (!Number.isFinite(value)) throw new Error(`the catalogue has no default of ${keyword} in ${block}`);
  return value;
}
