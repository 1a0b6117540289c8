/** A keepalived.conf of this machine, with what it includes. */
import { dirname, isAbsolute, join } from 'node:path';
import { type NodeText, variantsOf } from '../keepalived/lint/lint.ts';
import { type Found, gathering, type Wanted } from '../keepalived/read/files.ts';
import { FourlaneError } from '../model/errors.ts';
import { pathsMatching } from '../sys/glob.ts';
import { readPlain } from '../sys/plain-file.ts';

const MOST_FILES = 2000;
const MOST_BYTES = 64 << 20;

/** A file and what it includes. @throws FourlaneError when the file itself can not be read */
export async function nodeOf(path: string, configId: string | undefined): Promise<NodeText> {
  const root = await readPlain(path, MOST_BYTES);
  if (root === undefined) throw new FourlaneError('NOT_FOUND', `there is no file ${path}`);
  if (!('text' in root) && root.refused !== 'executable')
    throw new FourlaneError('NOT_FOUND', `${path} is no file that can be read (${root.refused})`);
  if (!('text' in root)) throw new FourlaneError('NOT_FOUND', `${path} is executable: keepalived does not read it; chmod -x it`);
  const { text } = root;
  const files = await gathering(
    (included) => {
      variantsOf({ path, text, files: included }, configId);
      return included;
    },
    (wanted) => included(wanted),
  );
  return { path, text, files };
}

async function included({ pattern, from }: Wanted): Promise<Found[]> {
  const paths = await pathsMatching(isAbsolute(pattern) ? pattern : join(dirname(from), pattern), MOST_FILES);
  const found: Found[] = [];
  for (const path of paths) {
    const file = await readPlain(path, MOST_BYTES);
    if (file !== undefined) found.push({ path, ...file });
  }
  return found;
}
