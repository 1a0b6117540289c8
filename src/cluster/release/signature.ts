/**
 * Signatures of releases. Whoever can write into etcd can move a pointer; with `trust` an agent runs only what the holder of the
 * private key has made. The cluster is part of what is signed, so that a release of one is none of another.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { Release } from '../values.ts';

type Signed = Pick<Release, 'root' | 'allow'>;

const message = (cluster: string, { root, allow }: Signed) =>
  Buffer.from(`fourlane release 1\n${cluster}\n${root}\n${allow?.removed ?? ''}\n`);

/** Ed25519 signature of a root and of what it is allowed, base64. */
export function signRelease(cluster: string, release: Signed, privateKey: KeyObject): string {
  return sign(null, message(cluster, release), privateKey).toString('base64');
}

/** A public key from its 32 bytes in base64. Throws a TypeError or Error of node:crypto when it is none. */
export function trustedKey(base64: string): KeyObject {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(base64, 'base64').toString('base64url') };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

/** Why a release is not trusted; undefined = it is. */
export function distrust(
  release: Pick<Release, 'n' | 'root' | 'allow' | 'signature'>,
  cluster: string,
  trust: KeyObject,
): string | undefined {
  const { n, signature } = release;
  if (signature === undefined) return `release ${n} has no signature, and this server trusts signed ones only; sign it`;
  const isGood = verify(null, message(cluster, release), trust, Buffer.from(signature, 'base64'));
  return isGood ? undefined : `the signature of release ${n} is not of the trusted key; sign it with that key`;
}
