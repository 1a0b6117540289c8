/** A real server with a thread of its own, for tests whose own thread is busy: it accepts, and says nothing. */
import { createServer } from 'node:net';
import { parentPort } from 'node:worker_threads';

// Probes end by RST.
const server = createServer((socket) => socket.on('error', () => undefined));
server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, () =>
  parentPort!.postMessage((server.address() as { port: number }).port),
);
