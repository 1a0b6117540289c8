/**
 * Readers of the bench: `node readers-clients.ts pipeline|burst PORT CLIENTS DEPTH`. `pipeline`: each keeps DEPTH requests under
 * way on one connection and reads as fast as it can. `burst`: 1 450 requests at once on each connection, never read. Prints the
 * number of answers so far, each second.
 */
import { connect } from 'node:net';

const [mode = '', port = '', clients = '', depth = ''] = process.argv.slice(2);
const PATHS = ['/', '/api/v1/status', '/metrics'];
const BURST = 1450;
let answers = 0;

function request(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

/** Counts answers by their lengths, without keeping them. */
function pipeline(client: number): void {
  const socket = connect(Number(port), '127.0.0.1');
  let asked = client;
  let head = '';
  let body = 0;
  const more = () => socket.write(request(PATHS[asked++ % PATHS.length]!));
  socket.on('connect', () => {
    for (let k = 0; k < Number(depth); k++) more();
  });
  socket.on('data', (chunk: Buffer) => {
    let at = 0;
    while (at < chunk.length) {
      if (body > 0) {
        const part = Math.min(body, chunk.length - at);
        body -= part;
        at += part;
      } else {
        const end = chunk.indexOf('\r\n\r\n', at);
        // A head that is cut in two, also inside its blank line, is put together again.
        head += chunk.toString('latin1', at, end < 0 ? chunk.length : end + 4);
        at = end < 0 ? chunk.length : end + 4;
        if (!head.endsWith('\r\n\r\n')) continue;
        body = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (!head.startsWith('HTTP/1.1 200')) console.error(head.slice(0, 80));
        head = '';
      }
      if (body === 0 && head === '') {
        answers++;
        more();
      }
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => setTimeout(() => pipeline(client), 100));
}

function burst(): void {
  const socket = connect(Number(port), '127.0.0.1', () => socket.write(request('/api/v1/status').repeat(BURST)));
  socket.pause();
  socket.on('error', () => undefined);
  // Nobody reads, so the end is seen by a failing write.
  const poke = setInterval(() => socket.write(request('/api/v1/status')), 1000);
  socket.on('close', () => {
    clearInterval(poke);
    setTimeout(burst, 100);
  });
}

for (let k = 0; k < Number(clients); k++) {
  if (mode === 'pipeline') pipeline(k);
  else burst();
}
setInterval(() => console.log(answers), 1000);
