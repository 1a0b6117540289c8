/**
 * DPVS's control socket without DPVS: replays recordings, or makes up a large one. Recordings in test/fixtures/dpvs are of
 * v1.10.2: for each command of its tools the exact bytes of requests and replies, and what the tool printed from them.
 */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CollectContext, CollectedNic, Reading } from '../../src/collect/collector.ts';
import { dpvs } from '../../src/collect/dpvs.ts';
import type { DpvsData } from '../../src/collect/dpvs/data.ts';
import { LAYOUTS } from '../../src/collect/dpvs/layout.ts';
import { IDS } from '../../src/collect/dpvs/messages.ts';
import { Output } from '../../src/collect/output.ts';
import { blockSchema } from '../../src/collect/settings.ts';
import { Shares } from '../../src/collect/share.ts';

const FIXTURES = new URL('../fixtures/dpvs/', import.meta.url);
const REQUEST_HEAD = 24;
const REPLY_HEAD = 88;
const ID = IDS.modern;

export interface Exchange {
  readonly request: Buffer;
  readonly reply: Buffer;
}

/** Exchanges of one command of ipvsadm or dpip in order, the command, and what it printed. */
export function recording(name: string): {
  readonly command: string;
  readonly printed: string;
  readonly exchanges: readonly Exchange[];
} {
  const file = (part: string) => readFileSync(new URL(`${name}/${part}`, FIXTURES));
  const numbers = readdirSync(new URL(`${name}/`, FIXTURES)).flatMap((f) => /^(\d+)\.req\.bin$/.exec(f)?.[1] ?? []);
  return {
    command: file('cmd').toString().trim(),
    printed: file('stdout.txt').toString('latin1'),
    exchanges: numbers.sort().map((n) => ({ request: file(`${n}.req.bin`), reply: file(`${n}.resp.bin`) })),
  };
}

/** Names of all recordings. */
export function recordings(): string[] {
  return readdirSync(FIXTURES, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? entry.name : []))
    .sort();
}

/** A whole reply. */
export function reply(id: number, body: Uint8Array, code = 0): Buffer {
  const frame = Buffer.alloc(REPLY_HEAD + (code === 0 ? body.length : 0));
  frame.writeUInt32LE(0x10000, 0);
  frame.writeUInt32LE(id, 4);
  frame.writeInt32LE(code, 12);
  frame.write(code === 0 ? 'OK' : 'invalid parameter', 16);
  frame.writeBigUInt64LE(BigInt(code === 0 ? body.length : 0), 80);
  if (code === 0) frame.set(body, REPLY_HEAD);
  return frame;
}

/** What the server does with a request; undefined: closes without a word, as DPVS does when it does not know the message. */
export type Answer = (request: Buffer) => Uint8Array | undefined | ((client: Socket) => void);

/** A control socket in a directory of its own. */
export class FakeDpvs {
  answer: Answer;
  readonly requests: Buffer[] = [];
  /** Connections without an answer at the same time, at most: a real DPVS has others wait for the first. */
  most = 0;
  /** Pieces in which requests came. */
  pieces = 0;
  readonly #directory = mkdtempSync(join(tmpdir(), 'fourlane-dpvs-'));
  readonly #open = new Set<Socket>();
  readonly #waiting = new Set<Socket>();
  readonly #server: Server;

  constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((client) => this.#serve(client));
  }

  get path(): string {
    return join(this.#directory, 'dpvs.ipc');
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.path, resolve));
    return this;
  }

  #serve(client: Socket): void {
    this.#open.add(client);
    this.#waiting.add(client);
    this.most = Math.max(this.most, this.#waiting.size);
    client.on('close', () => {
      this.#open.delete(client);
      this.#waiting.delete(client);
    });
    client.on('error', () => {});
    let request = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => {
      this.pieces++;
      request = Buffer.concat([request, chunk]);
      if (request.length < REQUEST_HEAD || request.length < REQUEST_HEAD + Number(request.readBigUInt64LE(16))) return;
      this.requests.push(request);
      this.#waiting.delete(client);
      const answer = this.answer(request);
      if (typeof answer === 'function') answer(client);
      else if (answer === undefined) client.end();
      else client.end(answer);
    });
  }

  /** Ends like a DPVS that removes its socket; `listen` starts it again, with a new one. */
  async stop(): Promise<void> {
    for (const client of this.#open) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Replies of the recorded commands by request; VERSION, which no tool asks for, is what v1.10.2 answers. */
export function replay(names: readonly string[]): Answer {
  const version = Buffer.alloc(64);
  version.write('dpvs:v1.10-2');
  const known = new Map([[`${ID.VERSION} `, reply(ID.VERSION, version)]]);
  for (const name of names) {
    for (const exchange of recording(name).exchanges) known.set(keyOf(exchange.request), exchange.reply);
  }
  return (request) => known.get(keyOf(request));
}

/**
 * What DPVS looks at: ipvsadm asks for INFO with 12 bytes, and for DESTS with a byte that it never set, in place of the unused
 * lcore.
 */
function keyOf(request: Buffer): string {
  const id = request.readUInt32LE(4);
  const body = Buffer.from(request.subarray(REQUEST_HEAD));
  if (id === ID.DESTS) body[140] = 0;
  return id === ID.INFO ? `${id} ` : `${id} ${body.toString('hex')}`;
}

/** One reading of what a replay of one host needs: taken a few seconds apart, so totals of different parts differ a little. */
export const ONE_HOST = [
  'dpip-s-link-cpu',
  'dpip-s-link',
  'dpip-s-v-link',
  'dpip-s-addr',
  'ipvsadm-get-laddr',
  'ipvsadm-ln-cpu1',
  'ipvsadm-ln-stats',
  'dpip-neigh',
  'dpip-route',
  'dpip-route6',
  'dpip-maddr',
  'ipvsadm-get-blklst',
  'ipvsadm-get-whtlst',
  'ipvsadm-lnc',
];

/** The collector's source on that socket with these settings, and readings of it. */
export function openOn(path: string, settings: object = {}, context: Partial<CollectContext> = {}) {
  // Each reading reads everything, unless the test has a clock of its own.
  let t = 0;
  const shares = new Shares();
  const parsed = blockSchema(dpvs).parse({ socket: path, pause: '0ms', requestTimeout: '10s', ...settings });
  const source = dpvs.open(parsed, {
    clock: () => (t += 15_000),
    log: () => {},
    nics: () => [],
    edge: () => ({}),
    share: (key, make) => shares.take(key, make),
    ...context,
  });
  return {
    read: (signal = new AbortController().signal) => source.read(signal) as Promise<Reading<DpvsData>>,
    realServers: (vip: string) => source.realServers!(vip, new AbortController().signal),
    ask: (nics: readonly CollectedNic[], signal = new AbortController().signal) => source.ask!(nics, signal),
    close: () => source.close(),
  };
}

/** A server with that answer and a source on it, to be closed by the test file through `cleanups`. */
export async function serve(
  cleanups: (() => unknown)[],
  answer: Answer,
  ...open: [settings?: object, context?: Partial<CollectContext>]
) {
  const server = await new FakeDpvs(answer).listen();
  const source = openOn(server.path, ...open);
  cleanups.push(
    () => server.close(),
    () => source.close(),
  );
  return { server, source };
}

/** Values of a family, named without the prefix, by its labels. */
export function values(output: Output, name: string): Record<string, number> {
  const family = output.families().find((f) => f.name === `fourlane_${name}`);
  return Object.fromEntries((family?.rows ?? []).map((row, i) => [row.join(' '), Number(family!.values[i])]));
}

/** A reading of whose outcomes only data will do. */
export async function dataOf(reading: Promise<Reading<DpvsData>>): Promise<DpvsData> {
  const done = await reading;
  if (done.state !== 'data') throw new Error(`${done.state}: ${done.reason}`);
  return done.data;
}

/** How large a made-up DPVS is. */
export interface Size {
  readonly services: number;
  readonly realServers: number;
  readonly cores: number;
}

/** Answers of a DPVS v1.10.2 of that size; counters grow with every request. */
export function synthetic({ services, realServers, cores }: Size): Answer {
  const layout = LAYOUTS[0]!;
  const version = Buffer.alloc(64);
  version.write('dpvs:v1.10-2');
  const info = Buffer.alloc(16);
  info.writeUInt32LE(0x010a02, 0);
  info.writeUInt32LE(services, 8);
  info.writeUInt32LE(cores, 12);
  const list = Buffer.alloc(8 + services * layout.service.size);
  list.writeUInt16LE(services, 2);
  for (let i = 0; i < services; i++) {
    const at = 8 + i * layout.service.size;
    list.writeInt32LE(2, at);
    list[at + 4] = 6;
    list.writeUInt16BE(80, at + 6);
    list.writeUInt32BE(0x0a470000 + i + 1, at + 36);
    list.write('wrr', at + 52);
    list.writeUInt32LE(realServers, at + 176);
  }
  const dests = Buffer.alloc(144 + realServers * 120);
  for (let i = 0; i < realServers; i++) {
    const at = 144 + i * 120;
    dests.writeInt32LE(2, at);
    dests.writeUInt16BE(80, at + 4);
    dests.writeUInt32LE(100, at + 8);
    dests.writeUInt32BE(0x0a480000 + i + 1, at + 12);
    dests.writeUInt16LE(5, at + 28);
    dests.writeUInt16LE(1, at + 30);
  }
  const mask = Buffer.alloc(24);
  mask[2] = cores;
  mask.writeBigUInt64LE(((1n << BigInt(cores)) - 1n) << 1n, 8);
  const addresses = Buffer.alloc(12);
  addresses.writeUInt32LE(1, 0);
  addresses.writeUInt32LE(2, 4);
  let served = 0;
  return (request) => {
    const id = request.readUInt32LE(4);
    const body = request.subarray(REQUEST_HEAD);
    served++;
    switch (id) {
      case ID.VERSION:
        return reply(id, version);
      case ID.INFO:
        return reply(id, info);
      case ID.SERVICES:
        return reply(id, list);
      case ID.DESTS:
        // Its workers are the lcores from 1 on.
        dests[140] = body[141]!;
        for (let at = 144; at < dests.length; at += 120) {
          for (let field = 0; field < 5; field++) dests.writeBigUInt64LE(BigInt(served * 1000), at + 56 + 8 * field);
        }
        return reply(id, dests);
      case ID.LCORE_MASK:
        return reply(id, mask);
      case ID.LCORE_STATS: {
        const stats = Buffer.alloc(96);
        stats[0] = body[0]!;
        for (let at = 8; at < 96; at += 8) stats.writeBigUInt64LE(BigInt(served * 1000), at);
        return reply(id, stats);
      }
      case ID.IFADDRS:
        return reply(id, addresses);
      case ID.PORT_LIST:
        return reply(id, Buffer.alloc(10));
      default:
        return undefined;
    }
  };
}

export interface Cost {
  /** CPU of the thread that reads, ms: one reading with its exchanges, publishing it, its evidence. */
  readonly readMs: number;
  readonly publishMs: number;
  readonly evidenceMs: number;
  readonly series: number;
}

/**
 * What one reading of a DPVS of that size costs; median of `rounds` after one that is not counted. The server is another thread.
 */
export async function measureCost(size: Size, rounds = 5): Promise<Cost> {
  const server = new Worker(new URL('./dpvs-server.ts', import.meta.url), { workerData: size });
  const [path] = (await once(server, 'message')) as [string];
  const source = openOn(path, { servicesPerReading: 100_000 });
  const output = new Output();
  const costs: Cost[] = [];
  try {
    const first = await dataOf(source.read());
    output.take((samples) => dpvs.publish(first, samples));
    for (let i = 0; i < rounds; i++) {
      const [data, readMs] = await timed(() => dataOf(source.read()));
      const [, publishMs] = await timed(() => output.take((samples) => dpvs.publish(data, samples)));
      const [, evidenceMs] = await timed(() => dpvs.evidence!(data));
      costs.push({ readMs, publishMs, evidenceMs, series: output.families().reduce((sum, f) => sum + f.rows.length, 0) });
    }
  } finally {
    await source.close();
    server.postMessage('end');
    await once(server, 'exit');
  }
  const middle = (key: keyof Cost) => costs.map((c) => c[key]).sort((a, b) => a - b)[rounds >> 1]!;
  return { readMs: middle('readMs'), publishMs: middle('publishMs'), evidenceMs: middle('evidenceMs'), series: middle('series') };
}

/** CPU of this thread alone, ms. */
async function timed<T>(work: () => T | Promise<T>): Promise<[T, number]> {
  const before = process.threadCpuUsage();
  const result = await work();
  const { user, system } = process.threadCpuUsage(before);
  return [result, (user + system) / 1000];
}
