/** Readers without manners, as a process of their own: argv is the mode and the port. */
import { connect, type Socket } from 'node:net';

const [mode, port] = [process.argv[2]!, Number(process.argv[3])];
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const post = (path: string, more = '') => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n${more}\r\n`;

/** Connects, sends, and begins again when it is cut off. `read` false: nothing is ever read. */
function again(text: () => string, { read = false, pauseMs = 50, each = 0 } = {}): void {
  const socket: Socket = connect(port, '127.0.0.1', () => {
    socket.write(text());
    if (each > 0) setInterval(() => socket.writable && socket.write(text()), each).unref();
  });
  if (read) socket.resume();
  else socket.pause();
  socket.on('error', () => undefined);
  socket.on('close', () => setTimeout(() => again(text, { read, pauseMs, each }), pauseMs));
}

const many = (count: number, begin: () => void) => {
  for (let k = 0; k < count; k++) begin();
};
let guess = 0;

const modes: Readonly<Record<string, () => void>> = {
  burst: () => again(() => get('/api/v1/status').repeat(1450)),
  pages: () => many(20, () => again(() => get('/').repeat(1400))),
  unread: () => many(200, () => again(() => get('/api/v1/status'))),
  idle: () => many(1000, () => again(() => get('/-/healthy'), { read: true })),
  silent: () => many(1000, () => again(() => '')),
  slow: () => many(16, () => again(() => get('/metrics').repeat(20))),
  reload: () => many(100, () => again(() => post('/-/reload').repeat(10), { read: true })),
  guess: () =>
    many(8, () =>
      again(() => post('/-/reload', `Authorization: Bearer ${guess++}${'x'.repeat(20)}\r\n`), { read: true, each: 1 }),
    ),
  rebind: () => many(4, () => again(() => get('/').replace('localhost', 'evil.example').repeat(20), { read: true })),
};
modes[mode]!();
