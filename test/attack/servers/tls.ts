/** Hostile TLS servers. Certificates are made when the family is first used, by openssl. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { hugeGroup } from './dhe.ts';
import { drip, type Family, pour, type Talk } from './family.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
const usual = { key: fixture('key'), cert: fixture('cert') };
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Handshakes with these options, then talks. */
function secure(options: TlsOptions, talk: (socket: TLSSocket) => void = answer): Talk {
  const server = createTlsServer({ ...usual, ...options }, (socket) => {
    socket.on('error', () => undefined);
    talk(socket);
  });
  server.on('tlsClientError', () => undefined);
  return (socket) => void server.emit('connection', socket);
}

const answer = (socket: TLSSocket) => void socket.once('data', () => socket.end(OK));

/** A certificate of this key (PEM) by openssl, with more extensions. */
function certificate(key: string, ...more: string[]): { key: string; cert: string } {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-tls-'));
  try {
    writeFileSync(`${dir}/key`, key);
    const words = ['req', '-x509', '-new', '-key', `${dir}/key`, '-subj', '/CN=a', '-days', '9000', '-out', `${dir}/cert`];
    execFileSync('openssl', [...words, ...more]);
    return { key, cert: readFileSync(`${dir}/cert`, 'utf8') };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const rsa = () =>
  certificate(
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey,
  );
const names = (count: number) => `subjectAltName=${Array.from({ length: count }, (_, i) => `DNS:n${i}.example.test`).join(',')}`;

/** Makes something when it is prepared. */
const lazily = (make: () => Talk): Talk => {
  let made: Talk | undefined;
  return Object.assign((socket: Socket) => made!(socket), { prepare: () => void (made = make()) });
};

/**
 * A certificate with `length` issuers that have RSA keys of 16384 bits: one cheap signature to make, many dear ones to verify.
 */
function dearChain(length: number): { key: string; cert: string } {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-tls-'));
  const openssl = (...words: string[]) => execFileSync('openssl', ['req', '-x509', '-new', '-days', '9000', ...words]);
  try {
    const [dear, own] = [`${dir}/dear`, `${dir}/own`];
    writeFileSync(dear, fixture('rsa16384'));
    writeFileSync(own, usual.key);
    openssl('-key', dear, '-subj', `/CN=${length}`, '-out', `${dir}/${length}`);
    for (let i = length - 1; i >= 0; i--) {
      const issuer = ['-CA', `${dir}/${i + 1}`, '-CAkey', dear];
      openssl('-key', i === 0 ? own : dear, '-subj', `/CN=${i}`, '-out', `${dir}/${i}`, ...issuer);
    }
    const chain = Array.from({ length: length + 1 }, (_, i) => readFileSync(`${dir}/${i}`, 'utf8'));
    return { key: usual.key, cert: chain.join('') };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** An honest server whose bytes arrive one at a time. */
function slowly(ms: number): Talk {
  const talk = secure({});
  const inner = createServer((socket) => talk(socket)).listen(0, '127.0.0.1');
  return (socket: Socket) => {
    const { port } = inner.address() as { port: number };
    const behind = connect(port, '127.0.0.1');
    behind.on('error', () => undefined);
    socket.pipe(behind);
    let rest = Buffer.alloc(0);
    behind.on('data', (chunk: Buffer) => (rest = Buffer.concat([rest, chunk])));
    drip(socket, ms, () => {
      const piece = rest.subarray(0, 1);
      rest = rest.subarray(1);
      return piece;
    });
    socket.on('close', () => behind.destroy());
  };
}

const record = (type: number, body: Buffer) => Buffer.concat([Buffer.of(type, 3, 3, body.length >> 8, body.length & 255), body]);

export const tls: Family = {
  tame: secure({}),
  hostile: {
    'Diffie-Hellman with 9984 bits': lazily(() => hugeGroup(rsa())),
    'P-521': secure({ ecdhCurve: 'P-521' }),
    'RSA key of 16384 bits, exponent of 64': lazily(() => secure(certificate(fixture('rsa16384')))),
    '15 issuers with RSA keys of 16384 bits': lazily(() => secure(dearChain(15))),
    'chain of 90 KB': lazily(() => {
      const { key, cert } = certificate(usual.key, '-addext', names(150));
      return secure({ key, cert: cert.repeat(24) });
    }),
    '900 names': lazily(() => secure(certificate(usual.key, '-addext', names(900)))),
    'a byte every 5 ms': lazily(() => slowly(5)),
    'warning alerts without end': (socket) => socket.once('data', () => pour(socket, () => record(21, Buffer.of(1, 90)))),
    'records without end': (socket) => socket.once('data', () => pour(socket, () => record(22, Buffer.alloc(16_384)))),
    garbage: (socket) => socket.once('data', () => pour(socket, () => randomBytes(65_536))),
    'renegotiates for ever': secure({ maxVersion: 'TLSv1.2' }, (socket) => {
      const again = () => socket.writable && socket.renegotiate({}, () => setImmediate(again));
      again();
    }),
    'body without end': secure({}, (socket) => pour(socket, () => Buffer.alloc(65_536, 'a'))),
    'records of one byte': secure({}, (socket) => {
      socket.setNoDelay();
      drip(socket, 1, () => 'H');
    }),
    silent: () => undefined,
  },
};
