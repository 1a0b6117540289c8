/** Files by a shell's pattern. */
import { glob } from 'node:fs/promises';

/** Existing paths that match, sorted; at most `most`. A pattern without wildcards gives the file itself. */
export async function pathsMatching(pattern: string, most: number): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(pattern)) {
    if (found.push(path) >= most) break;
  }
  return found.sort();
}
