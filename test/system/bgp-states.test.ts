/**
 * The collector bgp against real FRR and real BIRD: ten sessions each, a fault of its own on every one; what is announced beyond
 * the plan and what is missing; daemons that hang and die. Needs root.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bgp } from '../../src/collect/bgp.ts';
import type { BgpData } from '../../src/collect/bgp/data.ts';
import type { BgpSource } from '../../src/collect/bgp/source.ts';
import type { Reading } from '../../src/collect/collector.ts';
import { table } from '../../src/cli/output.ts';
import { BGP_RULES } from '../../src/doctor/bgp/rules.ts';
import { ensure } from '../../src/lab/ensure.ts';
import {
  breakLinks,
  build,
  groupPrefix,
  type Kind,
  KINDS,
  LINKS,
  nicName,
  pidOf,
  frrFolder,
  BIRD_SOCKET,
  planOf,
  sourceFor,
  stop,
  there,
} from './bgp-lab.ts';
import { readTunings } from '../../src/routing/tuning.ts';
import { costOf } from './bgp-cost.ts';
import { enterOwnNetwork, until } from './harness.ts';

const sources = new Map<Kind | 'both', BgpSource>();

const read = (kind: Kind | 'both'): Promise<Reading<BgpData>> => sources.get(kind)!.read(AbortSignal.timeout(3000));

async function data(kind: Kind | 'both'): Promise<BgpData> {
  const reading = await read(kind);
  if (reading.state !== 'data') throw new Error(`${reading.state}: ${reading.reason}`);
  return reading.data;
}

before(async () => {
  ensure(['iproute2', 'nftables', 'frr', 'bird2']);
  enterOwnNetwork();
  build();
  sources.set('frr', sourceFor('frr'));
  sources.set('bird', sourceFor('bird'));
  sources.set('both', sourceFor('frr', KINDS));
});
after(() => {
  for (const one of sources.values()) one.close();
  stop();
});

interface Row {
  readonly state: string;
  readonly bfd: string;
  readonly reason: string;
  readonly missing: number;
  readonly surplus: number;
}

function rowOf(found: BgpData, peer: string): Row {
  const session = found.up[0]!.sessions.find((s) => s.peer === peer);
  const bfd = found.up[0]!.bfd.find((b) => b.peer === peer);
  const { code = '', reason = '' } = session?.reset ?? {};
  return {
    state: session?.state ?? 'none',
    bfd: bfd?.state ?? 'none',
    reason: `${code} ${reason}`.trim(),
    missing: found.planned.filter((p) => p.peer === peer && !p.announced).length,
    surplus: found.unplanned.find((u) => u.peer === peer)?.count ?? -1,
  };
}

const TRYING = /^(idle|connect|active|opensent)$/;
/** Prefix of group, server and cluster, and VIPs. */
const ALL = 11;
/** How often a broken state is looked at: ms. */
const LOOK_MS = 500;

interface Fault {
  readonly name: string;
  readonly state: Readonly<Record<Kind, RegExp>>;
  readonly bfd: Readonly<Record<Kind, RegExp>>;
  readonly reason: Readonly<Record<Kind, RegExp>>;
  readonly missing: number;
}

const same = (pattern: RegExp) => ({ frr: pattern, bird: pattern });
const UP = same(/^up$/);

/** By link. */
const FAULTS: readonly Fault[] = [
  { name: 'none', state: same(/^established$/), bfd: UP, reason: same(/./), missing: 0 },
  {
    name: 'link down',
    state: same(TRYING),
    bfd: { frr: /^down$/, bird: /^(none|down)$/ },
    reason: { frr: /Waiting for NHT|BFD down|Interface down/, bird: /Link down|BFD/ },
    missing: ALL,
  },
  // The session comes up again although BFD does not: a failed path.
  { name: 'BFD packets lost', state: same(/^established$/), bfd: same(/^(init|down)$/), reason: same(/./), missing: 0 },
  { name: 'TCP 179 lost', state: same(TRYING), bfd: UP, reason: { frr: /^0400 Hold Timer Expired/, bird: /./ }, missing: ALL },
  {
    name: 'peer shut',
    state: same(TRYING),
    bfd: same(/./),
    reason: { frr: /^0602 ToR maintenance 4711$/, bird: /ToR maintenance 4711/ },
    missing: ALL,
  },
  {
    name: 'shut here',
    state: same(/^admin_down$/),
    bfd: same(/./),
    reason: { frr: /Admin\. shutdown/, bird: /./ },
    missing: ALL,
  },
  {
    name: "peer's maximum-prefix",
    state: same(TRYING),
    bfd: same(/./),
    reason: { frr: /^0601 Cease\/Maximum Number of Prefixes Reached/, bird: /./ },
    missing: ALL,
  },
  {
    name: 'own maximum-prefix',
    state: same(/^prefix_limit$/),
    bfd: same(/./),
    reason: { frr: /./, bird: /Route limit exceeded/ },
    missing: -1,
  },
  {
    name: 'wrong AS',
    state: same(TRYING),
    bfd: same(/./),
    reason: { frr: /^0202 .*Bad Peer AS/, bird: /Bad peer AS|Invalid|Received/ },
    missing: ALL,
  },
];

const fits = (kind: Kind, { state, bfd, reason, missing }: Fault, row: Row) =>
  state[kind].test(row.state) &&
  bfd[kind].test(row.bfd) &&
  (reason[kind].source === '.' || reason[kind].test(row.reason)) &&
  (missing < 0 || row.missing === missing);

describe('real FRR and BIRD', () => {
  it('load what fourlane plan snat prints, and announce exactly that', { timeout: 30_000 }, async () => {
    for (const kind of KINDS) {
      await until(`every session of ${kind} is up and announces its plan`, 20_000, async () => {
        const { up, planned, unplanned } = await data(kind);
        const mine = up[0]!.sessions.filter((s) => s.nic !== undefined);
        const down = mine.filter((s) => s.state !== 'established' || s.families.some((f) => !f.up));
        const wrong = [
          ...up.flatMap((d) => d.bfdProblem ?? []),
          ...down.map((s) => `${s.peer} is ${s.state}`),
          ...up[0]!.bfd.filter((b) => !b.up).map((b) => `BFD of ${b.peer} is ${b.state}`),
          ...planned.filter((p) => !p.announced).map((p) => `${p.peer} lacks ${p.prefix}`),
          ...unplanned.filter((u) => u.count > 0).map((u) => JSON.stringify(u)),
          ...mine.flatMap((s) => s.families.filter((f) => f.received !== 2).map((f) => `${s.peer}: ${f.received}`)),
        ];
        if (wrong.length > 0) throw new Error(wrong.slice(0, 8).join('; '));
        return mine.length === LINKS && up[0]!.bfd.length === LINKS;
      });
      const { up, planned } = await data(kind);
      assert.equal(planned.length, LINKS * ALL);
      assert.deepEqual(
        up[0]!.sessions.flatMap((s) => s.nic ?? []),
        Array.from({ length: LINKS }, (_, i) => nicName(i)),
      );
    }
  });

  it('have nothing that the doctor would complain of', async () => {
    const found = await readTunings({ frr: frrFolder('lf'), bird: BIRD_SOCKET }, AbortSignal.timeout(5000));
    const daemons = found.filter((one) => 'sessions' in one);
    assert.deepEqual(
      daemons.map(({ daemon }) => daemon),
      ['bgpd', 'bird'],
    );
    const uplinks = KINDS.flatMap((kind) => planOf(kind).bgp!.uplinks);
    const look = { daemons, unread: [], uplinks };
    assert.deepEqual(
      BGP_RULES.flatMap(({ code, find }) => find(look).map(({ subject, message }) => [code, subject, message])),
      [],
    );
  });

  it('cost of a reading: less than 5 ms of the daemon, where that is not slow at its own list', async () => {
    const rows = [['daemon', 'readings', 'CPU of the daemon, ms each', 'its own list', 'limit']];
    for (const kind of KINDS) {
      const { reading, list, limit } = await costOf(kind, 100, () => data(kind));
      rows.push([kind, '100', ...[reading, list, limit].map((ms) => ms.toFixed(2))]);
      assert.ok(reading < limit, `${kind}: ${reading} ms`);
    }
    console.log(table(rows));
  });

  it('each fault is read as what it is, a leak and a missing prefix are found', { timeout: 40_000 }, async () => {
    breakLinks();
    const broken = performance.now();
    const rows = [['fault', 'daemon', 'state', 'BFD', 'why', 'missing', 'surplus']];
    for (const kind of KINDS) {
      let found: BgpData | undefined;
      let leakAfter = Infinity;
      await until(`every fault of ${kind}`, 25_000, async () => {
        await sleep(LOOK_MS);
        const now = (found = await data(kind));
        const wrong = FAULTS.flatMap((fault, i) => {
          const row = rowOf(now, there(kind, i));
          return fits(kind, fault, row) ? [] : [`${fault.name}: ${JSON.stringify(row)}`];
        });
        const last = rowOf(now, there(kind, LINKS - 1));
        if (last.missing !== 1 || last.surplus < 1) wrong.push(`leak: ${JSON.stringify(last)}`);
        else leakAfter = Math.min(leakAfter, performance.now() - broken);
        if (wrong.length > 0) throw new Error(wrong.join('; '));
        return true;
      });
      assert.ok(leakAfter < 2 * bgp.interval, `leak and missing prefix found after ${leakAfter} ms`);
      for (const [i, name] of [...FAULTS.map((f) => f.name), 'leak, prefix missing'].entries()) {
        const { state, bfd, reason, missing, surplus } = rowOf(found!, there(kind, i));
        rows.push([name, kind, state, bfd, reason, String(missing), String(surplus)]);
      }
      const leak = found!.unplanned.find((u) => u.peer === there(kind, LINKS - 1))!;
      assert.ok(leak.count >= LINKS - 1 && leak.names!.length > 0, `the prefixes of all other NICs: ${JSON.stringify(leak)}`);
      const missing = found!.planned.filter((p) => p.peer === there(kind, LINKS - 1) && !p.announced);
      assert.deepEqual(
        missing.map((p) => p.prefix),
        [groupPrefix(kind, LINKS - 1)],
      );
    }
    console.log(table(rows));
    console.log(`${Math.round((performance.now() - broken) / 100) / 10} s from the faults to this table`);
  });

  it('a daemon that hangs costs a second and its own sessions; it is read again when it goes on', {
    timeout: 20_000,
  }, async () => {
    for (const kind of KINDS) {
      const pid = pidOf(kind);
      process.kill(pid, 'SIGSTOP');
      try {
        const started = performance.now();
        const reading = await read(kind);
        assert.ok(
          reading.state === 'failed' && /does not answer: (bgpd|bird) hangs/.test(reading.reason),
          JSON.stringify(reading),
        );
        assert.ok(performance.now() - started < 1500);
        const both = await data('both');
        assert.equal(both.up.length, 1);
        assert.equal(both.down[0]!.daemon, kind === 'frr' ? 'bgpd' : 'bird');
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await until(`${kind} answers again`, 5000, async () => (await read(kind)).state === 'data');
    }
  });

  it('one that is killed leaves its socket, and the other one is read', { timeout: 20_000 }, async () => {
    process.kill(pidOf('frr'), 'SIGKILL');
    await until('nobody listens', 5000, async () => {
      const reading = await read('frr');
      return reading.state === 'failed' && /nobody listens/.test(reading.reason);
    });
    const both = await data('both');
    assert.deepEqual([both.up[0]!.daemon, both.down[0]!.daemon], ['bird', 'bgpd']);
  });
});
