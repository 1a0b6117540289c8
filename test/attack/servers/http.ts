/** Hostile HTTP servers. */
import { gzipSync } from 'node:zlib';
import { asked, drip, type Family, pour, type Talk } from './family.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const whole = (body: string, more = '') => `${OK}${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const answer =
  (text: string): Talk =>
  (socket) =>
    asked(socket, () => socket.end(text));
/** Begins with `head`, then sends `piece` for ever. */
const endless =
  (head: string, piece: string | Buffer): Talk =>
  (socket) =>
    asked(socket, () => {
      socket.write(head);
      pour(socket, () => piece);
    });

/** 60 KB of what makes a pattern search in vain, behind which comes what is sought, on another line. */
const many = (word: string, last: string, size = 60_000) => answer(whole(`${word.repeat(size / word.length)}\n${last}`));
const random = (letters: string, size: number) =>
  Array.from({ length: size }, () => letters[Math.floor(Math.random() * letters.length)]).join('');

export const http: Family = {
  tame: answer(whole('status ok, ready true, x y\n')),
  hostile: {
    statuses: many('status', 'ok'),
    'statuses, 1 MB': many('status', 'ok', 1_000_000),
    readies: many('ready', 'true'),
    blanks: answer(whole(`${' '.repeat(60_000)}xOK`)),
    as: answer(whole(`${'a'.repeat(60_000)}b`)),
    'x and z': answer(whole(`${random('xz', 60_000)}\ny`)),
    'headers without end': endless(OK, 'X-A: b\r\n'),
    'a header without end': endless(`${OK}X-A: `, Buffer.alloc(65_536, 'a')),
    'chunks without end': endless(`${OK}Transfer-Encoding: chunked\r\n\r\n`, `1000\r\n${'a'.repeat(4096)}\r\n`),
    'chunks of one byte': endless(`${OK}Transfer-Encoding: chunked\r\n\r\n`, '1\r\na\r\n'.repeat(2000)),
    'body without end': endless(`${OK}\r\n`, Buffer.alloc(1 << 20, 'a')),
    '1 GB': endless(`${OK}Content-Length: 1000000000\r\n\r\n`, Buffer.alloc(1 << 20, 'a')),
    '1xx without end': endless('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(500)),
    'a byte every 20 ms': (socket) => drip(socket, 20, () => 'H'),
    'gzip bomb': (socket) =>
      asked(socket, () => {
        const bomb = gzipSync(Buffer.alloc(20 << 20));
        socket.end(Buffer.concat([Buffer.from(`${OK}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`), bomb]));
      }),
    'NUL and broken UTF-8': answer(`${OK}Content-Length: 8\r\n\r\n\0\xff\xfe\xc3(\xf0\x28\0`),
    silent: () => undefined,
  },
};
