/**
 * Certificates of a small cluster, by openssl: an authority of its own, one for each member of etcd, and one for each user, who
 * is known to etcd by its common name. What is there already is left as it is.
 */
import { mkdir, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { runCommand, STANDARD_PATH } from '../../sys/child.ts';
import { createFile, fileVersion } from '../../sys/files.ts';

export interface Wanted {
  /** Common name, and name of the files. */
  readonly name: string;
  /** Names and addresses at which it serves; left out: it is a user. */
  readonly serves?: readonly string[];
  readonly days: number;
}

/** Files of one certificate. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

const CA_DAYS = 3650;
const LIMIT_MS = 30_000;
/** Without it, openssl adds what the machine's own configuration has. */
const CONFIG = '[req]\ndistinguished_name = dn\n[dn]\n';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function certificateFiles(directory: string, name: string): CertificateFiles {
  return { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
}

/**
 * Makes what is missing in the directory: `ca.pem`, `ca.key`, and `NAME.pem`, `NAME.key` of each. Needs openssl 3.
 * @returns names of those that were made. Rejects with openssl's message.
 */
export async function makeCertificates(directory: string, wanted: readonly Wanted[]): Promise<readonly string[]> {
  const bad = wanted.find(({ name }) => !NAME.test(name));
  if (bad !== undefined) throw new Error(`"${bad.name}" can't be the name of a certificate: letters, digits, ".", "_" and "-"`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const config = join(directory, 'openssl.cnf');
  await rm(config, { force: true });
  await createFile(config, CONFIG, 0o600);
  try {
    const made: string[] = [];
    for (const one of [{ name: 'ca', days: CA_DAYS }, ...wanted]) {
      if ((await fileVersion(certificateFiles(directory, one.name).cert)) !== undefined) continue;
      await make(directory, config, one);
      made.push(one.name);
    }
    return made;
  } finally {
    await rm(config);
  }
}

async function make(directory: string, config: string, { name, serves, days }: Wanted): Promise<void> {
  const { cert, key } = certificateFiles(directory, name);
  const ca = certificateFiles(directory, 'ca');
  const isCa = name === 'ca';
  const extensions = isCa
    ? ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
    : ['basicConstraints=critical,CA:FALSE', ...usesOf(serves)];
  const flags = [
    ['req', '-x509', '-new', '-config', config, '-subj', `/CN=${name}`, '-days', String(days), '-sha256'],
    ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert],
    extensions.flatMap((extension) => ['-addext', extension]),
    isCa ? [] : ['-CA', ca.cert, '-CAkey', ca.key],
  ];
  const options = { env: { PATH: STANDARD_PATH, LC_ALL: 'C' }, timeoutMs: LIMIT_MS };
  const { exitCode, output, summary } = await runCommand(['openssl', ...flags.flat()], options);
  if (exitCode !== 0) throw new Error(`openssl made no certificate for ${name}: ${summary} ${output.trim()}`.trim());
}

function usesOf(serves: readonly string[] | undefined): readonly string[] {
  if (serves === undefined) return ['extendedKeyUsage=clientAuth'];
  const names = serves.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`);
  // A member's certificate is a user's too: its gateway, and the other members, are met with it.
  return ['extendedKeyUsage=serverAuth,clientAuth', `subjectAltName=${names.join(',')}`];
}
