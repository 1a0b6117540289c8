/**
 * The floor of a prober in Node: the system calls of floor.c, made through koffi from a plain loop on a timer of 1 ms, without
 * schedule, board or judge. `node node-floor.ts tcp|http RATE SECONDS PORT0 PORTS`; begins to measure when V8 has compiled what
 * is busy. Prints JSON, see `Sample`.
 */
import {
  close,
  connect,
  epollCreate,
  epollCtl,
  epollWait,
  getsockopt,
  recv,
  send,
  setsockopt,
  socket,
} from '../../src/sys/libc.ts';
import type { Sample } from './peers.ts';

const AF_INET = 2;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const [SOL_SOCKET, SO_ERROR, SO_LINGER] = [1, 4, 13];
const [EPOLL_CTL_ADD, EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLET] = [1, 1, 4, 8, 0x80000000];
const MSG_NOSIGNAL = 0x4000;
const MAX_EVENTS = 256;
/** struct epoll_event is packed. */
const EVENT_BYTES = 12;
const WARM_MS = 2000;

const [mode = 'tcp', rate = '8000', seconds = '3', port0 = '20000', ports = '100'] = process.argv.slice(2);
const http = mode === 'http';
const perMs = Number(rate) / 1000;
const request = Buffer.from(
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: fourlane\r\nAccept: */*\r\nConnection: close\r\n\r\n',
  'latin1',
);
const answer = Buffer.alloc(65_536);
const linger = new Uint8Array(new Int32Array([1, 0]).buffer);
const error = new Int32Array(1);
const errorBytes = new Uint8Array(error.buffer);
const errorLength = new Uint8Array(new Uint32Array([4]).buffer);
const addresses = Array.from({ length: Number(ports) }, (_, index) => {
  const port = Number(port0) + index;
  const address = new Uint8Array(16);
  address.set([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1]);
  return address;
});
const wanted = new DataView(new ArrayBuffer(EVENT_BYTES));
const wantedBytes = new Uint8Array(wanted.buffer);
const events = new DataView(new ArrayBuffer(MAX_EVENTS * EVENT_BYTES));
const eventBytes = new Uint8Array(events.buffer);
const epoll = epollCreate(0);

let [started, done, ok] = [0, 0, 0];

function start(): void {
  const fd = socket(AF_INET, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, linger.length);
  const address = addresses[started++ % addresses.length]!;
  connect(fd, address, address.length);
  wanted.setUint32(0, EPOLLOUT | (http ? EPOLLIN : 0) | EPOLLET, true);
  wanted.setInt32(4, fd, true);
  epollCtl(epoll, EPOLL_CTL_ADD, fd, wantedBytes);
}

function look(): void {
  const found = epollWait(epoll, eventBytes, MAX_EVENTS, 0);
  for (let index = 0; index < found; index++) {
    const seen = events.getUint32(index * EVENT_BYTES, true);
    const fd = events.getInt32(index * EVENT_BYTES + 4, true);
    const writable = (seen & (EPOLLIN | EPOLLERR)) === 0;
    if (http && writable && send(fd, request, request.length, MSG_NOSIGNAL) > 0) continue;
    if (http) {
      if (recv(fd, answer, answer.length, 0) > 12 && answer[9] === 0x32 && answer[10] === 0x30 && answer[11] === 0x30) ok++;
    } else {
      getsockopt(fd, SOL_SOCKET, SO_ERROR, errorBytes, errorLength);
      if (error[0] === 0) ok++;
    }
    close(fd);
    done++;
  }
}

const begun = performance.now();
let counted: { readonly done: number; readonly ok: number; readonly cpu: NodeJS.CpuUsage } | undefined;
const timer = setInterval(() => {
  const elapsed = performance.now() - begun;
  look();
  while (started < elapsed * perMs) start();
  look();
  if (elapsed < WARM_MS) return;
  counted ??= { done, ok, cpu: process.cpuUsage() };
  if (elapsed < WARM_MS + 1000 * Number(seconds)) return;
  clearInterval(timer);
  const { user, system } = process.cpuUsage(counted.cpu);
  const probes = done - counted.done;
  const sample: Sample = { probes, ok: ok - counted.ok, us: (user + system) / probes };
  console.log(JSON.stringify(sample));
}, 1);
