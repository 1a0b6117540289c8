/** Sends mutated requests to a port: argv is the port, how many, and the seed. Prints how many were sent, once a second. */
import { connect } from 'node:net';
import { Mutator } from './fuzz/mutate.ts';

const [port, count, seed] = process.argv.slice(2).map(Number) as [number, number, number];
const AT_ONCE = 16;
/** A server may wait for the rest of a request; this client does not wait for it. */
const PATIENCE_MS = 300;

const requests = [
  'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /?page=2 HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n',
  'GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text\r\nAccept-Encoding: gzip\r\n\r\n',
  'GET /api/v1/status?realServers=altered HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  'GET /api/v1/why?rs=127.1.0.1:80 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /api/v1/verdicts?since=5m HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'HEAD /-/ready HTTP/1.0\r\n\r\n',
  'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nAuthorization: Basic b3BzOng=\r\n\r\n{}',
  'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
];
const mutator = new Mutator(
  requests.map((text) => Buffer.from(text)),
  seed,
);
let sent = 0;

function one(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(mutator.next()));
    const cut = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.resume().on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(cut);
      resolve();
    });
  });
}

const report = setInterval(() => console.log(sent), 1000);
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (sent++ < count) await one();
  }),
);
clearInterval(report);
console.log(count);
