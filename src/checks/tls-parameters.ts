/** What every check inside TLS can be told, and the contexts made from it. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext } from 'node:tls';
import * as z from 'zod';

/** @param sni what the server name is by default, for the documentation */
export function tlsParameters(sni: string) {
  return {
    sni: z
      .union([z.string().min(1).max(255), z.literal(false)])
      .optional()
      .describe(`${sni}; false: none`),
    verify: z.boolean().default(false).describe('the chain and the name must be valid'),
    ca: z.string().optional().describe('PEM file with the CAs to trust instead of the built-in ones'),
  };
}

export type TlsParameters = z.output<z.ZodObject<ReturnType<typeof tlsParameters>>>;

/** The server name that is sent: what `sni` says, else that of a Host header, if it is a name; undefined: none. */
export function serverName({ sni }: Pick<TlsParameters, 'sni'>, host: string | undefined): string | undefined {
  if (sni !== undefined) return sni === false ? undefined : sni;
  return host === undefined || host === '' || isIP(host) !== 0 ? undefined : host.replace(/:\d+$/, '');
}

/**
 * Node's defaults, less finite fields: a server may choose a group of 9984 bits, which costs a prober 0.8 s of CPU and itself one
 * signature. Who has TLS has elliptic curves.
 */
const CIPHERS = `${DEFAULT_CIPHERS}:!DHE`;
const GROUPS = 'X25519:P-256:P-384:P-521:X448';

const contexts = new WeakMap<object, SecureContext>();

/** One TLS context per profile object: building one costs milliseconds. @throws when the CA file can't be read. */
export function secureContext(profile: TlsParameters): SecureContext {
  let made = contexts.get(profile);
  if (!made) {
    made = createSecureContext({
      ciphers: CIPHERS,
      ecdhCurve: GROUPS,
      ...(profile.ca === undefined ? {} : { ca: readFileSync(profile.ca) }),
    });
    contexts.set(profile, made);
  }
  return made;
}
