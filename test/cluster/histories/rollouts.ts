/**
 * A rollout over rings of servers, led by two leaders from what they read some time ago, who die and lose the lease; servers
 * that refuse, fail, die and come back; a person who halts. No ring gets the release after a halt, none before its turn, and
 * done means that every server that counts runs it.
 */
import { barrierOf } from '../../../src/cluster/barrier/barrier.ts';
import { excusedBy } from '../../../src/cluster/roster/maintenance.ts';
import type { Presence } from '../../../src/cluster/roster/presence.ts';
import { haltByHand, rollBackByHand, type RolloutView, step } from '../../../src/cluster/rollout/rollout.ts';
import type { Held, TxnPlan } from '../../../src/cluster/txn-plan.ts';
import type { Applied, Rollout, Target } from '../../../src/cluster/values.ts';
import { randomFrom } from '../../judge/world.ts';
import { appliedValue } from '../fleet-model.ts';
import { EtcdModel, pick, type Random, type Tally } from './etcd-model.ts';

const OLD = { release: 1, root: 'a'.repeat(64) };
const NEW = { release: 2, root: 'b'.repeat(64) };
const KEY = 'rollout/1';
const NOBODY = excusedBy([]);

interface Server {
  readonly name: string;
  readonly ring: string;
  /** What the data plane runs. */
  running: string;
  alive: boolean;
  fails: boolean;
}

interface Leader {
  readonly name: string;
  /** Create revision of its lead key. */
  lead?: number | undefined;
  soakSince?: number | undefined;
  pending?: TxnPlan | undefined;
}

const targetOf = (etcd: EtcdModel, ring: string) => etcd.get(`target/${ring}`) as Held<Target>;

function viewOf(etcd: EtcdModel, servers: readonly Server[], leader: Leader, now: number): RolloutView {
  const rollout = etcd.get(KEY) as Held<Rollout>;
  const rings = rollout.value.stages.map(({ ring }) => ring);
  const presence = (name: string): Presence => {
    const server = servers.find((each) => each.name === name)!;
    const member = { boot: 'b', version: '1', addresses: [], ready: true };
    return server.alive ? { is: 'there', member } : { is: 'absent', forMs: 30_000 };
  };
  const applied = etcd.below<Applied>('applied/');
  return {
    rollout,
    ...(leader.lead === undefined ? {} : { lead: leader.lead }),
    targets: new Map(rings.map((ring) => [ring, targetOf(etcd, ring)])),
    barrier: (ring, stage) => {
      const expected = servers.filter((each) => each.ring === ring).map(({ name }) => name);
      return barrierOf({ target: targetOf(etcd, ring), stage, expected, presence, applied, excused: NOBODY });
    },
    halts: (begun) =>
      servers.filter((each) => begun.includes(each.ring) && each.fails && each.running === NEW.root).map(() => 'drift'),
    now,
    soakSince: leader.soakSince,
  };
}

/** A server looks at its pointer, does what it says or fails, and writes back. */
function act(server: Server, etcd: EtcdModel, random: Random): void {
  if (!server.alive) return;
  const { value: target, mod } = targetOf(etcd, server.ring);
  const breaks = random() < 0.02;
  if (!breaks) server.running = target.root;
  const prepared = target.prepare !== undefined && random() < 0.9 ? target.prepare.root : null;
  const value = appliedValue({
    release: target.release,
    root: target.root,
    seen: mod,
    running: server.running,
    prepared,
    state: breaks ? pick(random, ['failed', 'refused'] as const) : prepared === null ? 'applied' : 'prepared',
  });
  etcd.put(`applied/${server.name}`, value);
}

/** Carries out what a leader decided, and looks at what it changed. */
function send(etcd: EtcdModel, servers: readonly Server[], leader: Leader, tally: Tally): void {
  const txn = leader.pending;
  leader.pending = undefined;
  if (txn === undefined) return;
  const before = (etcd.get(KEY) as Held<Rollout>).value;
  const rings = before.stages.map(({ ring }) => ring);
  const had = rings.map((ring) => targetOf(etcd, ring).value.root === NEW.root);
  if (!etcd.txn(txn)) return tally.count('raced');
  const { state } = (etcd.get(KEY) as Held<Rollout>).value;
  tally.count(state);
  const has = rings.map((ring) => targetOf(etcd, ring).value.root === NEW.root);
  const advanced = has.some((each, i) => each && !had[i]);
  if (advanced && ['halted', 'rollingBack', 'rolledBack', 'backFailed', 'done'].includes(before.state))
    throw new Error(`ring ${has.lastIndexOf(true)} got the release after ${before.state}`);
  if (advanced && has.indexOf(false) !== -1 && has.lastIndexOf(true) > has.indexOf(false))
    throw new Error('a ring got it before its turn');
  if ((state === 'rolledBack' || state === 'backFailed') && has.some(Boolean))
    throw new Error(`${state}, but a ring still has the release`);
  if (state === 'done' && servers.some((each) => each.alive && each.running !== NEW.root && isReported(etcd, each)))
    throw new Error('done, but a server has said that it runs something else');
}

/** What a server has said of the pointer that stands now. */
const isReported = (etcd: EtcdModel, { name, ring }: Server) =>
  etcd.value<Applied>(`applied/${name}`)?.seen === targetOf(etcd, ring).mod;

const isFailed = (etcd: EtcdModel, server: Server) =>
  isReported(etcd, server) && ['failed', 'refused'].includes(etcd.value<Applied>(`applied/${server.name}`)!.state);

/** One history; throws at the first step too far. */
export function rolloutHistory(seed: number, tally: Tally): void {
  const random = randomFrom(seed);
  const etcd = new EtcdModel();
  const rings = ['canary', 'r1', 'r2'].slice(0, 1 + Math.floor(random() * 3));
  const servers = rings.flatMap((ring) =>
    Array.from({ length: 1 + Math.floor(random() * 2) }, (_, i): Server => {
      return { name: `${ring}-${i}`, ring, running: OLD.root, alive: true, fails: false };
    }),
  );
  for (const ring of rings) etcd.put(`target/${ring}`, OLD);
  const rollout: Rollout = {
    n: 1,
    to: NEW,
    from: Object.fromEntries(rings.map((ring) => [ring, OLD])),
    stages: rings.map((ring) => ({ ring, soakMs: pick(random, [0, 500]) })),
    stage: 0,
    state: 'preparing',
    why: '',
    onHalt: random() < 0.8 ? 'rollback' : 'stay',
    allowAbsent: random() < 0.5 ? 0 : 1,
    baseline: [],
    startedBy: 'ops',
    at: '2026-11-28T12:00:00Z',
  };
  etcd.put(KEY, rollout);
  const leaders: Leader[] = [{ name: 'x' }, { name: 'y' }];
  let now = 0;
  for (let k = 0; k < 44; k++) {
    now += Math.floor(random() * 400);
    const lot = random();
    const leader = pick(random, leaders);
    const server = pick(random, servers);
    if (lot < 0.35) for (const each of servers) act(each, etcd, random);
    else if (lot < 0.4) Object.assign(server, { alive: !server.alive || random() < 0.5 });
    else if (lot < 0.41) server.fails = true;
    else if (lot < 0.45) lose(etcd, leaders);
    else if (lot < 0.455) halt(etcd);
    else if (lot < 0.75) lead(etcd, servers, leader, now);
    else send(etcd, servers, leader, tally);
  }
}

/** The lease ends, whoever holds it, and nobody is told. */
function lose(etcd: EtcdModel, leaders: readonly Leader[]): void {
  etcd.delete('lead/rollout');
  const first = leaders.find(({ lead: own }) => own === undefined);
  if (first !== undefined) first.pending = undefined;
}

function halt(etcd: EtcdModel): void {
  const rollout = etcd.get(KEY) as Held<Rollout>;
  const by = rollout.value.state === 'backFailed' ? rollBackByHand : haltByHand;
  const txn = by(rollout, 'ops', 'stop');
  if (txn !== undefined) etcd.txn(txn);
}

function lead(etcd: EtcdModel, servers: readonly Server[], leader: Leader, now: number): void {
  if (etcd.get('lead/rollout') === undefined) {
    etcd.put('lead/rollout', { by: leader.name, at: '2026-11-28T12:00:00Z' });
    leader.lead = etcd.get('lead/rollout')!.create;
    leader.soakSince = undefined;
  }
  const next = step(viewOf(etcd, servers, leader, now));
  leader.soakSince = next.soakSince;
  leader.pending = next.txn;
  if (next.text.startsWith('not given back') && !servers.some((each) => isFailed(etcd, each)))
    throw new Error('given up, but nobody has failed');
}
