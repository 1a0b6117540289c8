/** Users and groups of this machine by name: /etc/passwd and /etc/group. */
import { readIfExists } from './files.ts';

const MOST_BYTES = 4 << 20;

/** Number of a user or group. Rejects when the name is not there, or the file can't be read. */
async function idOf(file: string, column: number, name: string): Promise<{ readonly id: number; readonly fields: string[] }> {
  const text = (await readIfExists(file, MOST_BYTES))?.toString('utf8') ?? '';
  for (const line of text.split('\n')) {
    const fields = line.split(':');
    const id = Number(fields[column]);
    if (fields[0] === name && Number.isInteger(id)) return { id, fields };
  }
  throw Object.assign(new Error(`${file} has no "${name}"`), { code: 'ENOENT' });
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const isNumber = (text: string) => /^\d{1,10}$/.test(text);

/**
 * The numbers of a user, by name or number, and of a group; without one that of the user, for a user by number the same number.
 * Rejects when a name is not there.
 */
export async function accountOf(user: string, group: string | undefined): Promise<Account> {
  const { uid, own } = isNumber(user) ? { uid: Number(user), own: Number(user) } : await named(user);
  if (group === undefined) return { uid, gid: own };
  return { uid, gid: isNumber(group) ? Number(group) : (await idOf('/etc/group', 2, group)).id };
}

async function named(user: string): Promise<{ readonly uid: number; readonly own: number }> {
  const { id, fields } = await idOf('/etc/passwd', 2, user);
  return { uid: id, own: Number(fields[3]) };
}
