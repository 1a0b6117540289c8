/**
 * The first flight of a TLS 1.2 server that chooses its own Diffie-Hellman group, written by hand: one signature for the
 * server, two powers modulo 9984 bits for whoever takes it.
 */
import { createPrivateKey, randomBytes, sign, X509Certificate } from 'node:crypto';
import type { Talk } from './family.ts';

const DHE_RSA_AES128_GCM_SHA256 = 0x009e;
const RSA_PKCS1_SHA256 = 0x0401;
const BYTES = 1248;
/** Of a ClientHello that begins a connection: where its random number is. */
const RANDOM = { from: 11, to: 43 };

const u16 = (value: number) => Buffer.of(value >> 8, value & 255);
const u24 = (value: number) => Buffer.of(value >> 16, (value >> 8) & 255, value & 255);
const vector = (content: Buffer) => Buffer.concat([u16(content.length), content]);
const message = (type: number, content: Buffer) => Buffer.concat([Buffer.of(type), u24(content.length), content]);
const record = (content: Buffer) => Buffer.concat([Buffer.of(22, 3, 3), vector(content)]);

/** An odd number of so many bytes, the highest bit set. */
function modulus(): Buffer {
  const number = randomBytes(BYTES);
  number[0]! |= 0x80;
  number[BYTES - 1]! |= 1;
  return number;
}

/** Answers each ClientHello with this flight, and then no more. @param pem an RSA key and its certificate */
export function hugeGroup({ key, cert }: { key: string; cert: string }): Talk {
  const secret = createPrivateKey(key);
  const der = new X509Certificate(cert).raw;
  const parameters = Buffer.concat([modulus(), Buffer.of(2), randomBytes(BYTES - 1)].map(vector));
  return (socket) => {
    socket.once('data', (hello: Buffer) => {
      const random = randomBytes(32);
      const signed = Buffer.concat([hello.subarray(RANDOM.from, RANDOM.to), random, parameters]);
      const extensions = vector(Buffer.concat([u16(0xff01), vector(Buffer.of(0))]));
      const flight = [
        message(2, Buffer.concat([u16(0x0303), random, Buffer.of(0), u16(DHE_RSA_AES128_GCM_SHA256), Buffer.of(0), extensions])),
        message(11, Buffer.concat([u24(der.length + 3), u24(der.length), der])),
        message(12, Buffer.concat([parameters, u16(RSA_PKCS1_SHA256), vector(sign('sha256', signed, secret))])),
        message(14, Buffer.alloc(0)),
      ];
      socket.write(Buffer.concat(flight.map(record)));
    });
  };
}
