/** Hashes of passwords as text: scrypt (`$scrypt$ln=15,r=8,p=1$SALT$HASH`, base64 without padding), bcrypt (`$2b$10$…`). */

const BCRYPT = /^\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/;
const SCRYPT = /^\$scrypt\$ln=(1[0-7]),r=8,p=([1-4])\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/;

export interface ScryptHash {
  /** Cost: 2^ln, with r = 8. */
  readonly ln: number;
  readonly p: number;
  readonly salt: string;
  readonly hash: string;
}

/** The parts of a scrypt hash; undefined when it is none, or would cost too much. */
export function parseScrypt(text: string): ScryptHash | undefined {
  const [, ln, p, salt, hash] = SCRYPT.exec(text) ?? [];
  return hash === undefined ? undefined : { ln: Number(ln), p: Number(p), salt: salt!, hash };
}

/** Whether this is a hash of one of the two kinds. */
export function isPasswordHash(text: string): boolean {
  return BCRYPT.test(text) || parseScrypt(text) !== undefined;
}
