/** An etcd in memory as a server's agent of releases sees it, and that agent over a real disk; the configuration is made up. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Joined, ReleaseAgent } from '../../src/cluster/agent/agent.ts';
import type { Moment } from '../../src/cluster/agent/moments.ts';
import type { Configuration, Wanted } from '../../src/cluster/agent/configuration.ts';
import { boot } from '../../src/cluster/agent/boot.ts';
import { openRelease } from '../../src/cluster/agent/open.ts';
import { clusterPrefix, type JsonKind, keyOf, type ValueOf } from '../../src/cluster/keys.ts';
import { packContent } from '../../src/cluster/release/release.ts';
import { CODES, RpcError } from '../../src/cluster/transport/link.ts';
import { readValue, writeValue } from '../../src/cluster/value-codec.ts';
import type { DriftPolicies } from '../../src/model/plan.ts';
import type { Applied, Release, Version } from '../../src/cluster/values.ts';
import { bytesOf, decode, numberOf, textOf } from '../../src/cluster/wire/decode.ts';
import { encode } from '../../src/cluster/wire/encode.ts';
import { METHODS, type Method } from '../../src/cluster/wire/methods.ts';

export const PREFIX = clusterPrefix('edge');
export const AT = '2026-11-28T12:00:00Z';
const SERVER = 'lb-1';

interface Entry {
  readonly value: Buffer;
  readonly modified: number;
  readonly created: number;
}

export class FakeEtcd implements Joined {
  readonly names = ['target', 'poison', 'maintenance', 'roster', 'applied', 'member', 'evidence'];
  readonly entries = new Map<string, Entry>();
  readonly held = new Map<string, Uint8Array>();
  readonly asked: string[] = [];
  revision = 1;
  /** Calls that fail from now on. */
  failing = 0;
  staleSince: number | undefined;
  changed: () => void = () => undefined;

  set(key: string, value: Buffer | undefined): void {
    const before = this.entries.get(PREFIX + key);
    this.revision++;
    if (value === undefined) this.entries.delete(PREFIX + key);
    else this.entries.set(PREFIX + key, { value, modified: this.revision, created: before?.created ?? this.revision });
    this.changed();
  }

  put<K extends JsonKind>(kind: K, names: readonly (string | number)[], value: ValueOf<K>): void {
    this.set(keyOf(kind, ...names), writeValue(kind, keyOf(kind, ...names), value));
  }

  applied(): Applied | undefined {
    const entry = this.entries.get(`${PREFIX}applied/${SERVER}`);
    return entry && readValue('applied', 'applied', entry.value);
  }

  /** A release with its blobs. */
  release(n: number, content: Parameters<typeof packContent>[0]): Version {
    const { root, base, shards, blobs } = packContent(content);
    for (const { hash, packed } of blobs.values()) this.set(keyOf('blob', hash), packed);
    const value: Release = { n, root, parent: null, author: 'ops', at: AT, reason: '', base, shards: [...shards] };
    this.put('release', [n], value);
    return { release: n, root };
  }

  hold(key: string, value: Uint8Array): void {
    this.held.set(key, value);
  }

  items(range: number): ReadonlyMap<string, Entry> {
    const prefix = `${PREFIX}${this.names[range]}/`;
    return new Map([...this.entries].filter(([key]) => key.startsWith(prefix)));
  }

  async call(method: Method, request: Uint8Array): Promise<Buffer> {
    await Promise.resolve();
    if (this.failing > 0) {
      this.failing--;
      throw new RpcError(CODES.unavailable, 'no member answers');
    }
    return method === METHODS.range ? this.#range(Buffer.from(request)) : this.#txn(Buffer.from(request));
  }

  #range(request: Buffer): Buffer {
    let key = '';
    decode(request, (number, value) => number === 1 && (key = textOf(value)));
    this.asked.push(key.slice(PREFIX.length));
    const entry = this.entries.get(key);
    const kvs = entry === undefined ? [] : [encode({ 1: key, 2: entry.created, 3: entry.modified, 4: 1, 5: entry.value })];
    return encode({ 1: encode({ 3: this.revision }), 2: kvs });
  }

  #txn(request: Buffer): Buffer {
    const puts: { key: string; value: Buffer }[] = [];
    let holds = true;
    decode(request, (number, value) => {
      const compare = { key: '', create: -1, mod: -1 };
      decode(bytesOf(value), (field, inner) => {
        if (number === 1 && field === 3) compare.key = textOf(inner);
        if (number === 1 && field === 5) compare.create = numberOf(inner);
        if (number === 1 && field === 6) compare.mod = numberOf(inner);
        if (number !== 2 || field !== 2) return;
        const put = { key: '', value: Buffer.alloc(0) as Buffer };
        decode(bytesOf(inner), (part, it) => {
          if (part === 1) put.key = textOf(it);
          if (part === 2) put.value = Buffer.from(bytesOf(it));
        });
        puts.push(put);
      });
      const found = this.entries.get(compare.key);
      if (compare.mod >= 0 && (found?.modified ?? 0) !== compare.mod) holds = false;
      if (number === 1 && compare.mod < 0 && (found?.created ?? 0) !== Math.max(0, compare.create)) holds = false;
    });
    if (holds) for (const { key, value } of puts) this.set(key.slice(PREFIX.length), value);
    return encode({ 1: encode({ 3: this.revision }), 2: Number(holds) });
  }
}

/** One server over its life: processes come and go, the disk stays. */
export class FakeServer implements Configuration {
  readonly dir = mkdtempSync(join(tmpdir(), 'fourlane-release-'));
  readonly etcd = new FakeEtcd();
  readonly lines: string[] = [];
  /** What the data plane has: the root that was applied last. */
  applied: string | undefined;
  /** Why applying fails; '' = it does not. */
  fails = '';
  /** The process ends at this moment of this release. */
  killAt: readonly [Moment, number] | undefined;
  killed = false;
  agent: ReleaseAgent | undefined;
  drift: DriftPolicies = { configuration: 'report', dataPlane: 'report' };
  differs: Applied['drift'] = { count: 0, samples: [] };
  repaired = 0;
  now = 0;
  wall = Date.parse(AT);
  #process = 0;

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** A new process; the one before, if it runs, is gone without a word. */
  async begin(): Promise<void> {
    const number = ++this.#process;
    this.killed = false;
    const booted = await boot({ stateDir: this.dir, cluster: 'edge', self: { boot: `b${number}`, version: '1' }, now: this.now });
    const [running] = booted.candidates;
    this.applied = running?.root;
    // A process that was killed does nothing any more, whatever it waited for.
    const alive = <T>(value: T): T | Promise<T> =>
      number === this.#process && !this.killed ? value : new Promise<T>(() => undefined);
    this.agent = new ReleaseAgent(booted, running, {
      cluster: 'edge',
      server: SERVER,
      addresses: () => ['192.0.2.1'],
      prefixes: () => ['10.0.0.0/24'],
      settings: () => ({ proveMs: 1000, onBoot: 'good', drift: this.drift }),
      configuration: {
        examine: async (wanted) => alive(await this.examine(wanted)),
        apply: async (wanted) => alive(this.killed ? '' : await this.apply(wanted)),
        putBack: () => this.putBack(),
      },
      drift: () => this.differs,
      repair: () => (this.repaired++, true),
      calendar: { lastBefore: () => undefined },
      clock: () => this.now,
      wall: () => this.wall,
      log: (_, __, message) => this.lines.push(message),
      told: () => undefined,
      ticked: () => undefined,
      at: (moment, release) => {
        if (this.killAt?.[0] !== moment || this.killAt[1] !== release) return;
        this.killed = true;
        this.agent!.join(undefined);
      },
    });
    this.agent.join(this.etcd);
    const { agent } = this;
    this.etcd.changed = () => this.killed || this.etcd.names.forEach((_, range) => agent.changed(range, true));
    this.etcd.changed();
  }

  async examine({ root, running, proven }: Wanted) {
    const none = { added: 0, removed: 0, changed: 0, actions: 0 };
    try {
      const { directory } = this.agent!;
      const { refusals, removed } = openRelease({
        directory,
        root,
        admission: { cluster: 'edge', running, proven, trust: undefined },
      });
      return { refusals, plan: { ...none, actions: removed }, planHash: root, damaged: false };
    } catch (error) {
      return { refusals: [(error as Error).message], plan: none, planHash: '', damaged: true };
    }
  }

  apply({ root }: Pick<Wanted, 'root'>): Promise<string> {
    if (this.fails === '') this.applied = root;
    return Promise.resolve(this.fails);
  }

  putBack(): Promise<string> {
    return Promise.resolve('');
  }
}
