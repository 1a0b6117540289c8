/** The certificates by which a server and etcd know each other. They are read at every connect, so that a new one is used. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { EtcdTls } from '../../model/plan.ts';
import { fileVersion, readIfExists } from '../../sys/files.ts';

export interface Identity {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
  /** End of the client certificate's validity, Unix ms. */
  readonly notAfter: number;
  /** Differs when one of the files was written. */
  readonly version: string;
}

const MOST_BYTES = 1 << 20;

/** Rejects when a file can't be read, is no certificate or key, or when key and certificate don't belong together. */
export async function readIdentity(tls: EtcdTls): Promise<Identity> {
  const version = await versionOf(tls);
  // One after the other: of several that are missing, the same one is named each time.
  const [ca, cert, key] = [await read(tls.ca), await read(tls.cert), await read(tls.key)];
  try {
    parsed(tls.ca, () => new X509Certificate(ca));
    const certificate = parsed(tls.cert, () => new X509Certificate(cert));
    const secret = parsed(tls.key, () => createPrivateKey(key));
    if (!certificate.checkPrivateKey(secret)) throw new Error(`${tls.key} is not the key of ${tls.cert}`);
    return { ca, cert, key, notAfter: Date.parse(certificate.validTo), version };
  } catch (error) {
    throw new Error(`${(error as Error).message}; write both files again`, { cause: error });
  }
}

/** Which content the three files have. Rejects when one can't be looked at. */
export async function versionOf(tls: EtcdTls): Promise<string> {
  const versions = await Promise.all([tls.ca, tls.cert, tls.key].map(fileVersion));
  return versions.map((version) => version?.key ?? 'none').join(' | ');
}

async function read(path: string): Promise<Buffer> {
  const bytes = await readIfExists(path, MOST_BYTES);
  if (bytes === undefined) throw new Error(`${path} does not exist`);
  return bytes;
}

function parsed<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${path} can't be used (${(error as Error).message})`, { cause: error });
  }
}
