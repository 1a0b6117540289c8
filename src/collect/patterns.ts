/** Names chosen by patterns with `*`. */
import * as z from 'zod';

/** Whether a name fits one of the patterns; `*` stands for any characters, also none. Takes linear time. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const all = patterns.map((p) => p.split('*'));
  return (name) => all.some((pieces) => fits(pieces, name));
}

function fits(pieces: readonly string[], name: string): boolean {
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  if (pieces.length === 1) return name === first;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/** A list of patterns in the config. */
export const patterns = () => z.array(z.string().min(1).max(127)).max(64);
