/**
 * A client certificate that has expired, signed by the cluster's authority: openssl makes such only with a database of its own.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateFiles } from '../../src/cluster/setup/certificates.ts';

const CONFIG = `[req]
distinguished_name = dn
[dn]
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
policy = any
default_md = sha256
x509_extensions = client
[any]
commonName = supplied
[client]
extendedKeyUsage = clientAuth
`;

/** Writes `NAME.pem` and `NAME.key` below `dir` for this user. */
export function expiredCertificate(
  dir: string,
  authority: string,
  user: string,
): { readonly cert: string; readonly key: string } {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'ca.cnf'), CONFIG);
  writeFileSync(join(dir, 'index'), '');
  writeFileSync(join(dir, 'serial'), '01\n');
  const files = certificateFiles(dir, user);
  const ca = certificateFiles(authority, 'ca');
  const openssl = (...argv: string[]) => execFileSync('openssl', argv, { cwd: dir, stdio: 'pipe' });
  const own = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.key];
  openssl('req', '-new', '-config', 'ca.cnf', '-subj', `/CN=${user}`, ...own, '-out', 'request');
  const validity = ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'];
  const signed = ['-cert', ca.cert, '-keyfile', ca.key, '-batch', '-notext', ...validity];
  openssl('ca', '-config', 'ca.cnf', '-in', 'request', '-out', files.cert, ...signed);
  return files;
}
