/**
 * A ring of servers that run the real life of a release, with crashes, partitions, late write-backs and two writers of the
 * pointer. The barrier never says done while a server that counts, in the process that etcd shows, runs another root.
 */
import type { DiskRecord } from '../../../src/cluster/applied/record.ts';
import { reduce } from '../../../src/cluster/applied/reduce.ts';
import { type LifeEffect, type LifeEvent, type LifeState, start } from '../../../src/cluster/applied/state.ts';
import { writeBack } from '../../../src/cluster/applied/write-back.ts';
import { barrierOf, outcomeOf } from '../../../src/cluster/barrier/barrier.ts';
import { excusedBy } from '../../../src/cluster/roster/maintenance.ts';
import { look, type MissingSince, presenceOf } from '../../../src/cluster/roster/presence.ts';
import type { Applied, Member, Target } from '../../../src/cluster/values.ts';
import { randomFrom } from '../../judge/world.ts';
import { EtcdModel, pick, type Random, type Tally } from './etcd-model.ts';

const ROOTS = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
const RING = 'r';
const KEY = `target/${RING}`;
const SETTINGS = { proveMs: 3000 };
const PLAN = { added: 0, removed: 0, changed: 0, actions: 0 };
const NOBODY = excusedBy([]);

class Server {
  readonly name: string;
  readonly #etcd: EtcdModel;
  #boots = 0;
  #disk: DiskRecord | undefined;
  #jobs: LifeEvent[] = [];
  #unwritten: Applied | undefined;
  life: LifeState | undefined;
  connected = true;

  constructor(name: string, etcd: EtcdModel) {
    this.name = name;
    this.#etcd = etcd;
  }

  get boot(): string {
    return `${this.name}.${this.#boots}`;
  }

  start(now: number): void {
    if (this.life !== undefined) return;
    this.#boots++;
    const [life, effects] = start(this.#disk, { boot: this.boot, version: '1' }, now);
    this.life = life;
    this.#do(
      effects,
      pick(() => 0, [0]),
    );
  }

  crash(): void {
    this.life = undefined;
    this.#jobs = [];
    this.#unwritten = undefined;
  }

  on(event: LifeEvent, now: number, fate = 0): void {
    if (this.life === undefined) return;
    const [life, effects] = reduce(this.life, event, now, SETTINGS);
    this.life = life;
    this.#do(effects, fate);
  }

  #do(effects: readonly LifeEffect[], fate: number): void {
    for (const effect of effects) {
      if (effect.do === 'save') this.#disk = effect.record;
      else if (effect.do === 'writeBack') this.#unwritten = effect.value;
      else if (effect.do === 'announce') this.#announce(effect.ready);
      else if (effect.do === 'poison') this.#etcd.put(`poison/${effect.root}`, effect.why);
      else this.#jobs.push(outcome(effect, fate));
    }
  }

  #announce(ready: boolean): void {
    const member: Member = { boot: this.boot, version: '1', addresses: [], ready };
    if (this.connected) this.#etcd.put(`member/${this.name}`, member);
  }

  /** One thing that was begun ends. */
  work(now: number, fate: number): void {
    const job = this.#jobs.shift();
    if (job !== undefined) this.on(job, now, fate);
  }

  read(now: number, fate: number): void {
    const item = this.#etcd.get(KEY);
    if (this.connected && item !== undefined)
      this.on({ kind: 'pointer', seen: item.mod, target: item.value as Target }, now, fate);
  }

  flush(): void {
    const value = this.#unwritten;
    if (!this.connected || value === undefined || this.life === undefined) return;
    if (this.#etcd.txn(writeBack(this.name, RING, value, this.#etcd.get(`applied/${this.name}`)?.mod ?? 0))) {
      this.#unwritten = undefined;
      // A lease that was lost while it was cut off is taken again.
      if (this.life.ready) this.#announce(true);
    }
  }
}

/** How something ends: 0 well, 1 refused, 2 failed. */
function outcome(effect: LifeEffect & { do: 'check' | 'apply' | 'restore' }, fate: number): LifeEvent {
  const { root } = effect.version;
  if (effect.do === 'check') return { kind: 'checked', root, refusals: fate === 1 ? ['no'] : [], plan: PLAN, planHash: root };
  if (effect.do === 'restore') return { kind: 'restored', root };
  return fate === 2 ? { kind: 'applyFailed', root, error: 'EPERM' } : { kind: 'applied', root };
}

/** An API that may have read the pointer some time ago. */
function move(etcd: EtcdModel, random: Random, readAt: number): void {
  const prepare = random() < 0.2 ? { prepare: { release: 2, root: pick(random, ROOTS) } } : {};
  etcd.txn({
    compare: [{ key: KEY, mod: readAt }],
    writes: [{ op: 'put', kind: 'target', key: KEY, value: { release: 1, root: pick(random, ROOTS), ...prepare } }],
  });
}

/** One history; throws at the first lie. */
export function barrierHistory(seed: number, tally: Tally): void {
  const random = randomFrom(seed);
  const etcd = new EtcdModel();
  const servers = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, i) => new Server(`lb-${i}`, etcd));
  let now = 0;
  let since: MissingSince = new Map();
  const stale = [0, 0];
  for (const server of servers) server.start(now);
  move(etcd, random, 0);
  for (let k = 0; k < 24; k++) {
    now += Math.floor(random() * 1500);
    const server = pick(random, servers);
    const fate = random() < 0.9 ? 0 : 1 + Math.floor(random() * 2);
    const lot = random();
    if (lot < 0.04) {
      const writer = random() < 0.5 ? 0 : 1;
      move(etcd, random, stale[writer]!);
    } else if (lot < 0.1) stale[random() < 0.5 ? 0 : 1] = etcd.get(KEY)?.mod ?? 0;
    else if (lot < 0.13) server.crash();
    else if (lot < 0.2) server.start(now);
    else if (lot < 0.23) server.connected = !server.connected;
    else if (lot < 0.26) etcd.delete(`member/${server.name}`);
    else if (lot < 0.28) server.on({ kind: 'maintenance', ...(random() < 0.5 ? { why: 'disks' } : {}) }, now, fate);
    else {
      server.read(now, fate);
      server.work(now, 0);
      server.work(now, fate);
      if (random() < 0.8) server.flush();
      if (random() < 0.3) server.on({ kind: 'tick' }, now);
    }
    if (random() < 0.4) since = ask(etcd, servers, { since, now }, tally);
  }
}

function ask(
  etcd: EtcdModel,
  servers: readonly Server[],
  { since: before, now }: { since: MissingSince; now: number },
  tally: Tally,
): MissingSince {
  const target = etcd.get(KEY)!;
  const members = new Map<string, Member>();
  const applied = new Map<string, Applied>();
  for (const { name } of servers) {
    const member = etcd.value<Member>(`member/${name}`);
    const value = etcd.value<Applied>(`applied/${name}`);
    if (member !== undefined) members.set(name, member);
    if (value !== undefined) applied.set(name, value);
  }
  const expected = servers.map(({ name }) => name);
  const since = look(expected, members, before, now);
  const pointer = { value: target.value as Target, mod: target.mod };
  const presence = (name: string) => presenceOf(name, members, since, now);
  const barrier = barrierOf({ target: pointer, stage: 'apply', expected, presence, applied, excused: NOBODY });
  const outcome = outcomeOf(barrier);
  tally.count(outcome);
  if (outcome !== 'done') return since;
  for (const server of servers) {
    const isThis = members.get(server.name)?.boot === server.boot && server.life !== undefined;
    if (isThis && server.life!.running?.root !== pointer.value.root)
      throw new Error(`done, but ${server.name} runs ${server.life!.running?.root[0]} and not ${pointer.value.root[0]}`);
  }
  return since;
}
