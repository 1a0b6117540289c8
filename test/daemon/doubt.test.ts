/**
 * Point for point what happens when the probes of a NIC fail while DPVS forwards (R11): recorded bytes of a DPVS with two arms
 * whose counters move, its collector, the facts, the judge, and the questions in between, on one clock that is turned by hand.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dpvs } from '../../src/collect/dpvs.ts';
import { IDS } from '../../src/collect/dpvs/messages.ts';
import { EvidenceJoin } from '../../src/collect/join.ts';
import { Asker } from '../../src/daemon/asker.ts';
import { Inbox } from '../../src/daemon/inbox.ts';
import { initial, judge } from '../../src/judge/judge.ts';
import { linkFact, newBatch } from '../../src/model/facts.ts';
import type { Plan } from '../../src/model/plan.ts';
import { say, topology } from '../judge/world.ts';
import { dataOf, FakeDpvs, openOn } from '../collect/dpvs-fake.ts';
import { moving } from '../collect/dpvs-moving.ts';

const AT = 31_700;
const SERVERS = 6;
const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.toReversed()) await end();
});

interface World {
  /** Whether probes through the NIC of dpdk1 fail. */
  readonly bad: (t: number) => boolean;
  /** Until when clients of DPVS get answers; default: for ever. */
  readonly clientsUntil?: number;
  /** When DPVS does not answer. */
  readonly silent?: (t: number) => boolean;
  /** When the carrier of dpdk1's NIC is lost. */
  readonly carrierLost?: number;
  /** Whether it has a data plane at all. */
  readonly without?: true;
  readonly until: number;
}

/** Lives in that world; what the judge did, with the time since the fault in seconds, and what DPVS was asked meanwhile. */
async function live(world: World) {
  let now = 0;
  const alive = () => Math.min(now, world.clientsUntil ?? now) / 1000;
  const traffic = { connections: () => alive() * 20, replies: () => alive() * 100 };
  const answer = moving({
    ...traffic,
    packets: (port) => ({ in: alive() * (port === 'dpdk1' ? 900 : 1000), out: alive() * 950 }),
  });
  const server = await new FakeDpvs((request) => (world.silent?.(now) ? () => {} : answer(request))).listen();
  ends.push(() => server.close());
  const nics = ['eth0', 'eth1'].map((name, i) => ({ name, device: `dpdk${i}.kni`, dataplane: `dpdk${i}` }));
  const settings = { interval: '5s', tableInterval: '10s', requestTimeout: world.silent === undefined ? '10s' : '300ms' };
  const source = openOn(server.path, settings, { clock: () => now, nics: () => nics });
  ends.push(() => source.close());
  const plan = { nics, services: [] } as unknown as Plan;
  const join = new EvidenceJoin();
  const inbox = new Inbox(() => now);
  const asked: { t: number; dests: number; ports: number; all: number }[] = [];
  let answering: Promise<void> = Promise.resolve();
  const asker = new Asker(
    () => now,
    (doubted) => {
      answering = (async () => {
        server.requests.length = 0;
        const t = now;
        const evidence = await source.ask(doubted).catch(() => undefined);
        const count = (id: number) => server.requests.filter((r) => r.readUInt32LE(4) === id).length;
        asked.push({ t, dests: count(IDS.modern.DESTS), ports: count(IDS.modern.PORT_STATS), all: server.requests.length });
        if (evidence !== undefined) for (const fact of join.answer(plan, 'dpvs', evidence, t).dataplane) inbox.take(fact);
      })();
      return answering;
    },
  );
  const state = initial(topology({ nics: 2, servers: SERVERS }), 0);
  const batch = newBatch(2 * SERVERS);
  const did: string[] = [];
  for (; now <= world.until; now += 100) {
    if (now % 5000 === 0 && world.without === undefined && world.silent?.(now) !== true) {
      const data = await dataOf(source.read());
      for (const fact of join.facts(plan, 'dpvs', dpvs.evidence!(data), now).dataplane) inbox.take(fact);
    }
    batch.count = now % 500 === 0 ? 2 * SERVERS : 0;
    for (let c = 0; c < batch.count; c++) {
      batch.nic[c] = c % 2;
      batch.target[c] = c >> 1;
      batch.outcome[c] = c % 2 === 1 && world.bad(now) ? 4 : 0;
      batch.t[c] = now;
    }
    const facts = inbox.empty(batch);
    const link = world.carrierLost === now ? [linkFact(1, 0, now)] : [];
    const { decisions } = judge(state, { ...facts, observations: [...facts.observations, ...link] }, now);
    const s = ((now - AT) / 1000).toFixed(1);
    did.push(...decisions.transitions.map((x) => `${s} ${say(x)}`), ...decisions.actions.map((x) => `${s} ${x.action}`));
    asker.doubted(decisions.doubted.map((nic) => nics[nic]!));
    await answering;
  }
  return { did, asked, words: did.map((line) => line.replace(/^\S+ /, '')) };
}

const dead = (t: number) => t >= AT;
const timeOf = (did: readonly string[], what: string) => Number(did.find((line) => line.includes(what))!.split(' ')[0]);

test('probes dropped, clients well: DPVS is asked at once, and the NIC neither failed nor flapping, five times', async () => {
  const outage = (t: number) => t >= AT && (t - AT) % 60_000 < 20_000;
  const { words, did, asked } = await live({ bad: outage, until: AT + 5 * 60_000 });
  const round = ['SUSPECT(eth1)', 'PROBE_PATH_FAULT(eth1)', 'OK(eth1)'];
  assert.deepEqual(words, [...round, ...round, ...round, ...round, ...round]);
  assert.ok(timeOf(did, 'PROBE_PATH_FAULT') <= 3.5, did[1]);
  const [first] = asked;
  assert.ok(first!.t - AT <= 700, `asked ${first!.t - AT} ms after the fault`);
});

test('a question is bounded: the ports and services of that NIC, once a second at first, then every 5 s', async () => {
  const { asked } = await live({ bad: dead, until: AT + 40_000 });
  for (const { dests, ports, all } of asked)
    assert.ok(ports === 1 && dests <= 6 && all <= 10, JSON.stringify({ dests, ports, all }));
  const pauses = asked.slice(1).map(({ t }, k) => t - asked[k]!.t);
  assert.deepEqual(pauses.slice(0, 5), [1000, 1000, 1000, 1000, 5000]);
  assert.ok(asked.length <= 13, `${asked.length} questions in 40 s`);
});

test('a dead NIC fails as soon as its data plane has shown it; a silent one costs the bounded wait at most', async () => {
  const alone = timeOf((await live({ bad: dead, without: true, until: AT + 10_000 })).did, 'NIC_FAIL');
  const shown = await live({ bad: dead, clientsUntil: AT, until: AT + 10_000 });
  const silent = await live({ bad: dead, silent: (t) => t > AT, until: AT + 10_000 });
  for (const { did } of [shown, silent]) {
    assert.ok(timeOf(did, 'NIC_FAIL(eth1') <= alone + 2.1, `${did.join()} and without ${alone}`);
    assert.equal(timeOf(did, 'disable_nic'), timeOf(did, 'NIC_FAIL(eth1'));
  }
});

test('a lost carrier never waits, whatever the data plane shows', async () => {
  const { did } = await live({ bad: dead, carrierLost: AT, until: AT + 5000 });
  assert.equal(did[0], '0.1 NIC_FAIL(eth1 carrier)');
  assert.ok(!did.join().includes('PROBE_PATH_FAULT'), did.join());
});

test('later facts lift a NIC_FAIL that probes alone had given, and the slice comes back when the hold-down is over', async () => {
  const { words, did } = await live({ bad: dead, silent: (t) => t > AT && t < AT + 20_000, until: AT + 60_000 });
  assert.deepEqual(words, ['SUSPECT(eth1)', 'NIC_FAIL(eth1)', 'disable_nic', 'PROBE_PATH_FAULT(eth1)', 'enable_nic']);
  const lifted = timeOf(did, 'PROBE_PATH_FAULT');
  assert.ok(lifted >= 30 && lifted <= 45, `${lifted} s: 10 s of facts since DPVS answers, and the hold-down`);
});
