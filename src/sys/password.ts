/** Passwords: their scrypt hash, and whether one is that of a hash (scrypt, bcrypt, or SHA-256 of configurations of before). */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { parseScrypt } from '../model/password-hash.ts';

const HASH_BYTES = 32;
const LN = 15;
/** 128 × N × r of the largest that is accepted, and some more. */
const MOST_MEMORY = 160 << 20;
/** bcrypt looks at no more. */
const MOST_BYTES = 72;
const derive = promisify(scrypt) as (
  password: string,
  salt: Buffer,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer>;

/** The scrypt hash of a password, with a fresh salt. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, HASH_BYTES, { N: 2 ** LN, r: 8, p: 1, maxmem: MOST_MEMORY });
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$scrypt$ln=${LN},r=8,p=1$${text(salt)}$${text(hash)}`;
}

/** Whether a password is that of the hash. Takes some tens of ms, outside this thread for scrypt. Never rejects. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  if (hash.startsWith('sha256:')) {
    const digest = createHash('sha256').update(password).digest();
    return timingSafeEqual(digest, Buffer.from(hash.slice('sha256:'.length), 'hex'));
  }
  const known = parseScrypt(hash);
  if (known === undefined) {
    if (Buffer.byteLength(password) > MOST_BYTES) return false;
    const { default: bcrypt } = await import('bcryptjs');
    return bcrypt.compare(password, hash).catch(() => false);
  }
  const options = { N: 2 ** known.ln, r: 8, p: known.p, maxmem: MOST_MEMORY };
  const made = await derive(password, Buffer.from(known.salt, 'base64'), HASH_BYTES, options);
  return timingSafeEqual(made, Buffer.from(known.hash, 'base64'));
}
