/** What a keyword that the catalogue does not have was meant to be. */
import levenshtein from 'damerau-levenshtein';
import { CATALOGUE } from '../catalogue/index.ts';

/** Longest word that is compared: every keyword is shorter. */
const LONGEST = 40;
const cache = new Map<string, string | undefined>();
const MOST_CACHED = 10_000;

/** The keyword of a block that differs in one letter of four, or in case only; undefined when none or several do. */
export function meantBy(block: string, word: string): string | undefined {
  if (word.length < 3 || word.length > LONGEST) return undefined;
  const key = `${block}\0${word}`;
  if (cache.has(key)) return cache.get(key);
  if (cache.size >= MOST_CACHED) cache.clear();
  const meant = nearest(Object.keys(CATALOGUE[block] ?? {}), word);
  cache.set(key, meant);
  return meant;
}

function nearest(keywords: readonly string[], word: string): string | undefined {
  const lower = word.toLowerCase();
  const close = keywords
    .map((keyword) => ({ keyword, steps: levenshtein(keyword.toLowerCase(), lower).steps }))
    .filter(({ keyword, steps }) => steps <= Math.max(1, Math.floor(keyword.length / 4)))
    .sort((a, b) => a.steps - b.steps);
  return close[1]?.steps === close[0]?.steps ? undefined : close[0]?.keyword;
}
