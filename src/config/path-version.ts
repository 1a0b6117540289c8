/** What stands at a path, as a text to compare: another one after each change of the file, or of what a directory holds. */
import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const text = ({ ino, size, mtimeNs, ctimeNs }: BigIntStats) => `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
const lack = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'gone';

/** Never rejects: what can't be looked at is told by its error code. */
export function pathVersion(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(text, lack);
}

/** As `pathVersion`, for a thread of its own. */
export function pathVersionSync(path: string): string {
  try {
    return text(statSync(path, { bigint: true }));
  } catch (error) {
    return lack(error);
  }
}
