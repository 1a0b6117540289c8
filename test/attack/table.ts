/** The table of docs/attack.md: rows of attacks that were run again take the place of their former ones, others stay. */

const PLACE = /<!-- attack -->\n([\s\S]*)<!-- \/attack -->/;
const nameOf = (row: string) => /^\| (.*?) \| /.exec(row)?.[1];

/**
 * @param page with a table, or an empty place for one
 * @param head lines above the rows
 * @param rows those of this run
 * @param order names of all attacks, in the order of the table; rows of others are dropped
 */
export function renew(page: string, head: readonly string[], rows: readonly string[], order: readonly string[]): string {
  const known = new Map<string | undefined, string>();
  for (const row of [...(PLACE.exec(page)?.[1] ?? '').split('\n'), ...rows]) known.set(nameOf(row), row);
  const all = order.flatMap((name) => known.get(name) ?? []);
  return page.replace(PLACE, () => `<!-- attack -->\n${[...head, ...all].join('\n')}\n<!-- /attack -->`);
}
