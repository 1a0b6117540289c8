/** Rules in corners that the vectors do not reach. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { initial, type JudgeState, judge } from '../../src/judge/judge.ts';
import { cells, loss, verdicts, why } from '../../src/judge/read.ts';
import { type DataplaneFact, linkFact, newBatch } from '../../src/model/facts.ts';
import { LOCAL_ERROR, OK, QUARANTINED } from '../../src/model/outcome.ts';
import { RULES, resolveRules } from '../../src/model/rules.ts';
import type { Transition } from '../../src/model/verdict.ts';
import { type AfterPass, type Fault, play, say, type Shape, topology } from './world.ts';

const AT = 10_000;
const words = (run: { transitions: readonly Transition[] }) => run.transitions.filter((x) => x.verdict !== 'SUSPECT').map(say);
const from = (bad: (i: number, j: number) => boolean): Fault => ({
  cell: (i, j) => (t) => (t >= AT && bad(i, j) ? 'timeout' : 'ok'),
});

test('a NIC that never worked is SUSPECT(not_yet_valid), not failed; once it worked it may fail', () => {
  const dead: Fault = { cell: (i) => () => (i === 0 ? 'timeout' : 'ok') };
  const run = play(topology({ nics: 2, servers: 8 }), dead, 20_000);
  assert.deepEqual(run.transitions.map(say), ['SUSPECT(eth0 not_yet_valid)']);
  assert.deepEqual(run.actions, []);
  assert.match(run.transitions[0]!.reason, /never worked since the start/);
  const later: Fault = { cell: (i) => (t) => (i === 0 && (t < 8000 || t > 16_000) ? 'timeout' : 'ok') };
  assert.deepEqual(words(play(topology({ nics: 2, servers: 8 }), later, 24_000)).slice(-1), ['NIC_FAIL(eth0 upstream)']);
});

test('a NIC that is absent from the start fails by its carrier', () => {
  const fault: Fault = { cell: (i) => () => (i === 0 ? 'netdown' : 'ok'), links: [linkFact(0, 0, 0)] };
  assert.deepEqual(play(topology({ nics: 2, servers: 8 }), fault, 10_000).transitions.map(say), ['NIC_FAIL(eth0 carrier)']);
});

test('ENETDOWN without news of the carrier fails a NIC too, but one such result does not', () => {
  const fault = (until: number): Fault => ({ cell: (i) => (t) => (i === 0 && t >= AT && t < until ? 'netdown' : 'ok') });
  assert.deepEqual(words(play(topology({ nics: 2, servers: 8 }), fault(1e9), AT + 500)), ['NIC_FAIL(eth0 carrier)']);
  assert.deepEqual(words(play(topology({ nics: 2, servers: 8 }), fault(AT + 30), AT + 3000)), []);
});

test('cells that never worked for a local reason count for nobody', () => {
  const ipv6 = (j: number) => j % 3 > 0;
  const fault: Fault = { cell: (i, j) => (t) => (i === 0 && ipv6(j) ? 'local_error' : t >= AT && j === 1 ? 'timeout' : 'ok') };
  const run = play(topology({ nics: 2, servers: 12 }), fault, AT + 8000);
  assert.deepEqual(words(run), ['RS_DOWN(10.0.0.1:80 unreachable)'], 'the other NIC alone can tell');
});

test('R1: what was bad before a gap in the evidence is not called bad again by a good result', () => {
  // Bad, then nothing that proves anything for 5 s, then good once, then good again.
  const cell: Fault['cell'] = (i, j) => (t) => {
    if (i !== 0 || j !== 0 || t < AT) return 'ok';
    return t < AT + 5000 ? 'timeout' : t < AT + 10_000 ? 'local_error' : 'ok';
  };
  const seen: number[] = [];
  const after: AfterPass = ({ cells: now }, _, t) => {
    if (t > AT + 4500 && seen.at(-1) !== now.linkNow[0]) seen.push(now.linkNow[0]!);
    return undefined;
  };
  const run = play(topology({ nics: 2, servers: 4 }), { cell }, AT + 13_000, { after });
  assert.ok(run.transitions.length > 0);
  assert.deepEqual(seen, [2, 0, 1], 'bad, unknown, good');
});

test('when every probe fails for a local reason from the start the agent is blind', () => {
  const run = play(topology({ nics: 2, servers: 4, anchors: () => [] }), { cell: () => () => 'local_error' }, 5000);
  assert.deepEqual(run.transitions.map(say), ['AGENT_STALLED']);
});

test('cells in quarantine are unknown, but their agent is not blind; its reason names them', () => {
  const shape = topology({ nics: 2, servers: 5 });
  const run = (cause: number) => {
    let state = initial(shape, 0);
    const said: string[] = [];
    for (let now = 100; now <= 12_000; now += 100) {
      const results = newBatch(16);
      for (let nic = 0; now % 500 === 0 && nic < 2; nic++)
        for (let target = 0; target < 5; target++) {
          // Four of five held their lanes after a while.
          const held = now > 4000 && target > 0;
          Object.entries({ nic, target, outcome: held ? LOCAL_ERROR : OK, cause: held ? cause : 0, t: now }).forEach(
            ([column, value]) => (results[column as 'nic'][results.count] = value),
          );
          results.count++;
        }
      const next = judge(state, { results, observations: [] }, now);
      state = next.state;
      said.push(...next.decisions.transitions.map(say));
    }
    return { said, state };
  };
  assert.deepEqual(run(0).said, ['AGENT_STALLED']);
  const { said, state } = run(QUARANTINED);
  assert.deepEqual(said, []);
  assert.deepEqual([...cells(state).link], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  const verdict = why(state, { subject: 'rs', rs: '10.0.0.1:80' })!;
  assert.equal(verdict.evidence.numbers['quarantined_cells'], 2);
  assert.match(verdict.reason, /its checks held the lanes of 2 NICs and are in quarantine there/);
});

test('late results make the agent blind rather than the world bad', () => {
  const run = play(topology({ nics: 2, servers: 8 }), { cell: () => (t) => (t >= AT ? 'late' : 'ok') }, AT + 5000);
  assert.deepEqual(run.transitions.map(say), ['AGENT_STALLED']);
});

test('a cold start takes no action before every cell had its chances, and an all-bad one freezes', () => {
  const some: Fault = { cell: (_, j) => () => (j === 0 ? 'refused' : 'ok') };
  const run = play(topology({ nics: 2, servers: 10 }), some, 10_000);
  assert.deepEqual(words(run), ['RS_DOWN(10.0.0.0:80 refused)'], 'a real server that never answered is down all the same');
  assert.ok(run.transitions[0]!.t >= 3500, `${run.transitions[0]!.t}`);
  const all = play(topology({ nics: 2, servers: 10 }), { cell: () => () => 'timeout', anchor: () => () => 'timeout' }, 15_000);
  assert.deepEqual(all.transitions.map(say), ['AGENT_ISOLATED']);
  assert.deepEqual(all.actions, []);
});

test('two real servers, one dead: no storm, no delay', () => {
  const run = play(
    topology({ nics: 2, servers: 2 }),
    from((_, j) => j === 0),
    AT + 5000,
  );
  assert.deepEqual(words(run), ['RS_DOWN(10.0.0.0:80 unreachable)']);
  assert.ok(run.transitions.at(-1)!.t - AT < 3800);
  const both = play(
    topology({ nics: 2, servers: 2 }),
    from(() => true),
    AT + 9000,
  );
  assert.deepEqual(words(both), ['ALL_RS_DOWN']);
});

test('a real server that one NIC can use is never down, even if that NIC is suspect', () => {
  // eth0 loses most of its paths, but not that to real server 0, which eth1 can't reach.
  const run = play(
    topology({ nics: 2, servers: 10 }),
    from((i, j) => (i === 0 ? j > 3 : j === 0)),
    AT + 9000,
  );
  assert.ok(!words(run).some((w) => w.startsWith('RS_DOWN')), words(run).join(' '));
  assert.ok(words(run).includes('PATH(eth1>10.0.0.0:80 link)'));
});

test('NICs of one group are no witnesses for each other', () => {
  const shape: Shape = { nics: 3, servers: 8, group: (i) => (i < 2 ? 'bond' : 'other') };
  const run = play(
    topology(shape),
    from((i) => i !== 1),
    AT + 8000,
  );
  assert.ok(!words(run).some((w) => w.startsWith('NIC') && w.includes('eth0')), words(run).join(' '));
  assert.ok(words(run).includes('NIC_FAIL(eth2 upstream)'));
});

test('targets with their own timing are judged by it', () => {
  const quick = { intervalMs: 200, timeoutMs: 100, fall: 2, rise: 1 };
  const shape = topology({ nics: 2, servers: 10, intervalMs: 5000, timeoutMs: 1000, server: (j) => (j === 0 ? quick : {}) });
  const run = play(shape, { cell: (_, j) => (t) => (t >= 30_000 && j < 2 ? 'refused' : 'ok') }, 60_000);
  const at = Object.fromEntries(run.transitions.map((x) => [x.rs!, x.t - 30_000]));
  assert.ok(at['10.0.0.0:80']! <= 2 * 200 + 150, `${at['10.0.0.0:80']}`);
  assert.ok(at['10.0.0.1:80']! <= 3 * 5000 + 50, `${at['10.0.0.1:80']}`);
});

test('a freeze is renamed only when the anchors have said so for a while', () => {
  const fault: Fault = {
    cell: () => (t) => (t >= AT ? 'timeout' : 'ok'),
    anchor: () => (t) => (t >= AT + 10_000 ? 'timeout' : 'ok'),
  };
  const run = play(topology({ nics: 2, servers: 8 }), fault, AT + 20_000);
  assert.deepEqual(words(run), ['ALL_RS_DOWN', 'AGENT_ISOLATED']);
});

/** A world fed by hand, with data-plane facts each second. */
function withDataplane(
  rates: (nic: number, t: number) => Pick<DataplaneFact, 'rxPps' | 'txPps' | 'answeredRatio'>,
  bad: (nic: number, t: number) => boolean,
) {
  let state: JudgeState = initial(topology({ nics: 2, servers: 6 }), 0);
  const batch = newBatch(16);
  const said: string[] = [];
  for (let now = 0; now <= 60_000; now += 100) {
    batch.count = now % 500 === 0 ? 12 : 0;
    for (let c = 0; c < batch.count; c++) {
      batch.nic[c] = c % 2;
      batch.target[c] = c >> 1;
      batch.outcome[c] = bad(c % 2, now) ? 4 : 0;
      batch.t[c] = now;
    }
    const facts = [0, 1].map((nic) => ({ kind: 'dataplane' as const, t: now, measuredAt: now, nic, ...rates(nic, now) }));
    const result = judge(state, { results: batch, observations: now % 1000 === 0 ? facts : [] }, now);
    state = result.state;
    said.push(...result.decisions.transitions.filter((x) => x.verdict !== 'SUSPECT').map(say));
    said.push(...result.decisions.actions.map((a) => a.action));
  }
  return said;
}

test('R11: probes fail but the data plane works: PROBE_PATH_FAULT, nothing disabled', () => {
  const busy = () => ({ rxPps: 1000, txPps: 900, answeredRatio: 0.97 });
  assert.deepEqual(
    withDataplane(busy, (nic, t) => nic === 0 && t > 30_000),
    ['PROBE_PATH_FAULT(eth0)'],
  );
  const heals = withDataplane(busy, (nic, t) => nic === 0 && t > 30_000 && t < 40_000);
  assert.deepEqual(heals, ['PROBE_PATH_FAULT(eth0)', 'OK(eth0)']);
});

test('R11: a data plane that is quiet, or whose connections fail, vetoes nothing', () => {
  const quiet = (nic: number, t: number) => ({
    rxPps: nic === 0 && t > 30_000 ? 20 : 1000,
    txPps: 900,
    answeredRatio: 0.97,
  });
  assert.deepEqual(
    withDataplane(quiet, (nic, t) => nic === 0 && t > 30_000),
    ['NIC_FAIL(eth0 upstream)', 'disable_nic'].map((w) => w.replace('upstream', 'none')).map((w) => w.replace(' none', '')),
  );
  const failing = (nic: number, t: number) => ({
    rxPps: 1000,
    txPps: 900,
    answeredRatio: nic === 0 && t > 30_000 ? 0.3 : 0.97,
  });
  assert.deepEqual(withDataplane(failing, (nic, t) => nic === 0 && t > 30_000).slice(-2), ['NIC_FAIL(eth0)', 'disable_nic']);
});

test('R11: probes good but connections fail on one NIC: DATA_PATH_FAULT, nothing disabled', () => {
  const failing = (nic: number, t: number) => ({
    rxPps: 1000,
    txPps: 900,
    answeredRatio: nic === 0 && t > 20_000 && t < 35_000 ? 0.3 : 0.97,
  });
  assert.deepEqual(
    withDataplane(failing, () => false),
    ['DATA_PATH_FAULT(eth0)', 'OK(eth0)'],
  );
});

test('adaptive fall: with 3 % baseline loss a cell needs more than three bad results', () => {
  const run = play(topology({ nics: 2, servers: 20 }), {}, 120_000, { loss: 0.03 });
  assert.ok(run.state.baseline.fall >= 5, `${run.state.baseline.fall}`);
  assert.deepEqual(run.transitions, []);
  const fixed = play(topology({ nics: 2, servers: 20, rules: { fall_adaptive_max: 1 } }), {}, 10_000, { loss: 0.03 });
  assert.equal(fixed.state.adaptedFall[0], 3);
});

test('reading: cells, loss, present verdicts and why, for anything that exists', () => {
  const run = play(
    topology({ nics: 2, servers: 6, rack: (j) => (j < 3 ? 'a' : 'b') }),
    from((_, j) => j === 1),
    AT + 6000,
  );
  const s = run.state;
  const view = cells(s);
  assert.deepEqual([...view.service], [1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]);
  assert.deepEqual([view.link.length, view.outcome.length, view.rttUs.length, view.t.length], [12, 12, 12, 12]);
  assert.ok(loss(s, 0) > 0.1 && Number.isNaN(loss(initial(s.topology, 0), 0)));
  const [present] = verdicts(s);
  assert.equal(present!.verdict, 'RS_DOWN');
  assert.equal(present!.evidence.rule, 'R6');
  assert.deepEqual(
    present!.evidence.cells.map((c) => [c.nic, c.outcome]),
    [
      ['eth0', 'timeout'],
      ['eth1', 'timeout'],
    ],
  );
  const rs = why(s, { subject: 'rs', rs: '10.0.0.2:80' })!;
  assert.equal(rs.verdict, 'OK');
  assert.match(rs.reason, /good through 2 of 2 NICs/);
  assert.match(why(s, { subject: 'nic', nic: 'eth0' })!.reason, /5 of 5 real servers proven good/);
  assert.match(why(s, { subject: 'path', nic: 'eth0', rs: '10.0.0.2:80' })!.reason, /not at fault/);
  assert.match(why(s, { subject: 'rack', rack: 'a' })!.reason, /1 of 3 real servers of rack a are down/);
  assert.match(why(s, { subject: 'agent' })!.reason, /12 of 12 cells have recent results/);
  assert.equal(why(s, { subject: 'nic', nic: 'eth9' }), undefined);
  assert.equal(why(s, { subject: 'rs', rs: 'x' }), undefined);
  assert.equal(why(s, { subject: 'rack', rack: 'x' }), undefined);
  assert.equal(why(s, { subject: 'path', nic: 'eth0', rs: 'x' }), undefined);
});

test('every verdict has a rule, a cause and a sentence with a full stop', () => {
  const runs = [
    play(
      topology({ nics: 2, servers: 10 }),
      from((i) => i === 0),
      AT + 6000,
    ),
    play(
      topology({ nics: 2, servers: 10, anchors: () => [] }),
      from((i) => i === 0),
      AT + 6000,
    ),
    play(
      topology({ nics: 2, servers: 10, rack: (j) => (j < 3 ? 'a' : 'b') }),
      from((_, j) => j < 3),
      AT + 9000,
    ),
    play(
      topology({ nics: 2, servers: 10 }),
      { cell: (i) => (t, random) => (t > AT && i === 0 && random() < 0.7 ? 'timeout' : 'ok') },
      AT + 20_000,
    ),
    play(
      topology({ nics: 2, servers: 10 }),
      from(() => true),
      AT + 6000,
    ),
  ];
  for (const run of runs) {
    for (const x of run.transitions) {
      assert.match(x.reason, /^\S.*\.$/);
      assert.match(x.evidence.rule, /^R\d+b?$/);
      assert.ok(!/undefined|NaN/.test(JSON.stringify(x)), x.reason);
    }
  }
});

test('rules: overrides are checked by name and range', () => {
  assert.equal(resolveRules({ debounce_ms: 20 }).debounce_ms, 20);
  assert.throws(() => resolveRules({ debounce: 20 }), /no rule "debounce"; the rules are fall_adaptive_max/);
  assert.throws(() => resolveRules({ blind_fraction: 2 }), /blind_fraction is 2; it must be 0 … 1 fraction/);
  assert.throws(() => resolveRules({ toString: 1 }), /no rule "toString"/);
  for (const [name, rule] of Object.entries(RULES)) assert.ok(rule.value >= rule.min && rule.value <= rule.max, name);
});

test('docs/attribution.md lists every threshold as it is', () => {
  const text = readFileSync(new URL('../../docs/attribution.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` \| ([\d.]+) \| ([^|]+) \| (.+) \|$/gm)].map(([, name, value, unit, meaning]) => [
    name,
    Number(value),
    unit,
    meaning,
  ]);
  assert.deepEqual(
    rows,
    Object.entries(RULES).map(([name, r]) => [name, r.value, r.unit, r.meaning]),
  );
});

test('R8: a rack that goes down while much else is down too is no incident of its own', () => {
  // Rack k is the last four of twelve; of the other eight, `others` are down as well.
  const shape = topology({
    nics: 2,
    servers: 12,
    rack: (j) => (j > 7 ? 'k' : j > 3 ? 'b' : 'a'),
    rules: { storm_fraction: 0.9 },
  });
  const racks = (others: number) => {
    const run = play(shape, { cell: (_, j) => (t) => (t >= AT && (j > 7 || j < others) ? 'timeout' : 'ok') }, AT + 9000);
    return words(run).filter((word) => word.startsWith('RACK_FAULT'));
  };
  assert.deepEqual(racks(1), ['RACK_FAULT(k)']);
  assert.deepEqual(racks(2), [], 'a quarter of the others is too many');
});

test('R6: when the word of no NIC counts, no real server is called down', () => {
  // Each NIC fails to reach most of what the other one reaches, so neither is trusted; nobody reaches the last real server.
  const rows = ['111000110', '000111110'];
  const fault: Fault = { cell: (i, j) => (t) => (t >= AT && rows[i]![j] === '0' ? 'timeout' : 'ok') };
  const run = play(topology({ nics: 2, servers: 9 }), fault, AT + 9000);
  assert.deepEqual([...run.state.nics.trusted], [0, 0]);
  assert.deepEqual(
    words(run).filter((word) => word.startsWith('RS_DOWN')),
    [],
  );
});
