/** A thread that lives in a network namespace: the guest tests' clients and servers. Messages: see peer.ts. */
import { createSocket } from 'node:dgram';
import { openSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';
import type { Ask } from './peer.ts';

const { namespace } = workerData as { namespace: string };
const CLONE_NEWNET = 0x4000_0000;
const LIMIT_MS = 8000;

// Of this thread alone: the others stay where they are.
const setns = koffi.load('libc.so.6').func('int setns(int, int)') as (fd: number, kind: number) => number;
if (setns(openSync(`/run/netns/${namespace}`, 'r'), CLONE_NEWNET) !== 0)
  throw new Error(`setns ${namespace}: errno ${koffi.errno()}`);

let http: Server | undefined;

/** Every connection gets one HTTP answer that names this namespace, and its end. */
function serve(): Promise<string> {
  http = createServer((socket) => {
    socket.on('error', () => undefined); // probes end by RST
    socket.on('data', (bytes) => {
      // A request that is not complete keeps its connection.
      if (bytes.toString().endsWith('\r\n\r\n')) socket.end(`HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n${namespace}`);
    });
  });
  return new Promise((resolve, reject) => {
    http!.once('error', reject);
    http!.listen({ host: '::', port: 80 }, () => resolve('listening'));
  });
}

/** As applications do, it takes the client for who getpeername(2) says it is. */
async function whoami(): Promise<string> {
  const where = [
    { host: '0.0.0.0', port: 8080 },
    { host: '::', port: 8081, ipv6Only: true },
    { host: '::', port: 8082 },
  ];
  for (const each of where) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      const { remoteAddress, remotePort } = socket;
      socket.once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\nclient ${remoteAddress} ${remotePort}\n`));
    });
    await once(server.listen(each), 'listening');
  }
  return 'listening';
}

function close(): Promise<string> {
  return new Promise((resolve) => http?.close(() => resolve('closed')));
}

function echo(): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
  return new Promise((resolve) => socket.bind(53, () => resolve('listening')));
}

/** The names that answer `count` requests, one after another. */
async function get(host: string, count: number): Promise<string> {
  const answers: string[] = [];
  for (let n = 0; n < count; n++) {
    const socket = connect({ host, port: 80 }).setTimeout(LIMIT_MS, () => socket.destroy(new Error('timeout')));
    socket.write('GET / HTTP/1.0\r\n\r\n');
    answers.push(
      await text(socket).then(
        (answer) => answer.split('\r\n\r\n')[1] ?? answer,
        (error: Error) => error.message,
      ),
    );
  }
  return answers.join(' ');
}

/** What comes back of datagrams, one after another. */
async function ask(host: string, count: number): Promise<string> {
  const answers: string[] = [];
  for (let n = 0; n < count; n++) {
    const socket = createSocket('udp4');
    const answer = new Promise<string>((resolve) => {
      socket.once('message', (bytes) => resolve(bytes.toString()));
      void setTimeout(LIMIT_MS).then(() => resolve('timeout'));
    });
    socket.send(`q${n}`, 53, host);
    answers.push(await answer);
    socket.close();
  }
  return answers.join(' ');
}

const held: Socket[] = [];

/** Opens connections that say a little, several times, and stay. */
async function hold(host: string, count: number): Promise<string> {
  for (let n = 0; n < count; n++) {
    const socket = connect({ host, port: 80, noDelay: true });
    socket.on('error', () => undefined);
    held.push(socket);
    await once(socket, 'connect');
    for (const part of ['GET / HTTP/1.0\r\n', 'A: b\r\n', 'C: d\r\n']) {
      socket.write(part);
      await setTimeout(1);
    }
  }
  return String(held.length);
}

async function release(): Promise<string> {
  for (const socket of held.splice(0)) socket.destroy();
  return 'released';
}

const doing: Record<Ask['do'], (host: string, count: number) => Promise<string>> = {
  serve,
  close,
  whoami,
  echo,
  get,
  ask,
  hold,
  release,
};

parentPort!.on('message', ({ id, do: what, host = '', count = 1 }: Ask) => {
  doing[what](host, count).then(
    (answer) => parentPort!.postMessage({ id, answer }),
    (error: Error) => parentPort!.postMessage({ id, answer: `failed: ${error.message}` }),
  );
});
