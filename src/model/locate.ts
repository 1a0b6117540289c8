/** Where things are after a change. Pure. */

/**
 * Position of each old name among the new ones, -1 = gone. Each stands once among the new; most stand in the order that they had,
 * so that few need to be looked up.
 */
export function locate(old: readonly string[], next: readonly string[]): number[] {
  const where = old.map(() => -1);
  const others: number[] = [];
  const open: number[] = [];
  let at = 0;
  for (let index = 0; index < old.length; index++) {
    // One more, or one fewer, than before.
    if (old[index] !== next[at] && old[index] === next[at + 1]) open.push(at++);
    if (old[index] === next[at]) where[index] = at++;
    else {
      others.push(index);
      if (old[index + 1] !== next[at]) open.push(at++);
    }
  }
  if (others.length === 0) return where;
  for (; at < next.length; at++) open.push(at);
  const positions = new Map(open.map((position) => [next[position], position]));
  for (const index of others) where[index] = positions.get(old[index]!) ?? -1;
  return where;
}
