/** Whether a program is one that others may change: who runs it would run what they like. */
import { access, constants, lstat, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { STANDARD_PATH } from './child.ts';
import { patiently } from './patience.ts';

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;
const ROOT = 0;

/**
 * Why a program must not be run as `uid`: it, or a folder on the way to it, belongs to somebody else than root and that user, or
 * can be written by others. As keepalived's enable_script_security. Undefined: it may be run.
 * Rejects when it is not there.
 * @param program absolute, or a bare name found in the standard PATH
 */
export async function insecure(program: string, uid: number): Promise<string | undefined> {
  return patiently(async () => {
    const path = await realpath(program.includes('/') ? program : await found(program));
    for (let part = path; ; part = dirname(part)) {
      const { mode, uid: owner, gid } = await lstat(part);
      if (owner !== ROOT && owner !== uid) return `${part} belongs to uid ${owner}, who may change it`;
      // In a folder with the sticky bit nobody can replace what is not his.
      const folder = part !== path;
      if (!(folder && (mode & STICKY) !== 0)) {
        if ((mode & WRITABLE_BY_ALL) !== 0) return `${part} can be written by everybody`;
        if ((mode & WRITABLE_BY_GROUP) !== 0 && gid !== ROOT) return `${part} can be written by group ${gid}`;
      }
      if (part === '/') return undefined;
    }
  });
}

async function found(name: string): Promise<string> {
  for (const folder of STANDARD_PATH.split(':')) {
    const path = join(folder, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  throw Object.assign(new Error(`${name} is not in ${STANDARD_PATH}`), { code: 'ENOENT' });
}
