/** TLS servers that make a handshake, or what follows it, long. */
import { attackBy } from '../real-servers.ts';

const of = (name: string, before: string, short?: true) =>
  attackBy({ family: 'tls', name, before, servers: 'tls', check: { type: 'ssl' }, ...(short ? { short } : {}) });

export const tls = [
  of('Diffie-Hellman with 9984 bits', '3 of them: stalled half of the time, a death is never noticed', true),
  of('P-521', '–'),
  of('RSA key of 16384 bits, exponent of 64', '–'),
  of('15 issuers with RSA keys of 16384 bits', '–'),
  of('chain of 90 KB', '–'),
  of('900 names', 'no stall'),
  of('a byte every 5 ms', 'no stall'),
  of('warning alerts without end', '–'),
  of('records without end', 'no stall'),
  of('garbage', '–'),
  of('renegotiates for ever', 'no stall'),
  of('body without end', '–'),
  of('records of one byte', '–'),
  of('silent', '–'),
];
