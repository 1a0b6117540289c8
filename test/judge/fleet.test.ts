/** R14: what the other load balancers find gives a fault its name, and may be the fault's owner: this server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactState, fromExactState } from '../../src/judge/exact.ts';
import { mirrorShape, openMirror, writeMirror } from '../../src/judge/mirror.ts';
import { badHere, verdicts, why } from '../../src/judge/read.ts';
import { formatTransition, Replay } from '../../src/judge/replay.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { fromSnapshot, toSnapshot } from '../../src/judge/snapshot.ts';
import type { FleetFact } from '../../src/model/facts.ts';
import type { Topology } from '../../src/model/topology.ts';
import { type AfterPass, type Fault, play, type Run, say, topology } from './world.ts';

const AT = 10_000;
const RS = '10.0.0.1:80';
const HERE: Topology = topology({ nics: 2, servers: 8, rack: (j) => (j < 3 ? 'k' : 'other') });

/** The others' word every second: of 16, so many find each real server bad. */
function word(from: number, to: number, bad: Readonly<Record<number, number>>, witnesses = 16): FleetFact[] {
  const servers = Object.keys(bad).map(Number);
  return Array.from({ length: Math.ceil((to - from) / 1000) }, (_, k): FleetFact => {
    const t = from + k * 1000;
    const counts = servers.map((server) => bad[server]!);
    return { kind: 'fleet', t, measuredAt: t, witnesses, servers, bad: counts, unknown: servers.map(() => 0) };
  });
}

/** Real servers that do not answer here from AT on. */
const dead = (isDead: (j: number) => boolean, links: FleetFact[], until = Number.POSITIVE_INFINITY): Fault => ({
  cell: (_, j) => (t) => (t >= AT && t < until && isDead(j) ? 'timeout' : 'ok'),
  links,
});
const named = ({ transitions }: Run) => transitions.filter((x) => x.verdict !== 'SUSPECT').map(say);
const all = (bad: number) => Object.fromEntries(HERE.realServers.map((_, j) => [j, bad]));

test('down here and reachable elsewhere: local_path after a while, never at once; what is done stays the same', () => {
  const run = play(
    HERE,
    dead((j) => j === 1, word(0, 30_000, { 1: 2 })),
    AT + 12_000,
  );
  assert.deepEqual(named(run), [`RS_DOWN(${RS} unreachable)`, `RS_DOWN(${RS} local_path)`]);
  const [first, second] = run.transitions;
  assert.ok(second!.t - first!.t >= 4500, `${second!.t - first!.t} ms`);
  assert.equal(second!.previous, 'RS_DOWN');
  assert.match(second!.reason, /is unusable from here only; .*; reachable from 14 of 16 other load balancers\.$/);
  assert.equal(second!.evidence.rule, 'R14');
  assert.deepEqual(
    run.actions.map(({ action }) => action.action),
    ['set_real_server'],
  );
  assert.equal(why(run.state, { subject: 'rs', rs: RS })!.since, first!.t, 'it has been down since the beginning');
  assert.deepEqual(badHere(run.state), [1]);
});

test('unreachable everywhere, unknown, too few witnesses, a word that is too old: the cause stays', () => {
  const causes = (facts: FleetFact[]) =>
    named(
      play(
        HERE,
        dead((j) => j === 1, facts),
        AT + 14_000,
      ),
    );
  const own = [`RS_DOWN(${RS} unreachable)`];
  assert.deepEqual(causes(word(0, 30_000, { 1: 16 })), own);
  assert.deepEqual(causes(word(0, 30_000, { 1: 8 })), own);
  assert.deepEqual(causes(word(0, 30_000, { 1: 0 }, 2)), own);
  assert.deepEqual(causes(word(0, 1000, { 1: 0 })), own, 'the last word came before the fault, and is too old');
  assert.deepEqual(causes([]), own);
});

test('the others find it too, a moment later: it is never called local', () => {
  const late = [...word(0, AT + 4000, { 1: 0 }), ...word(AT + 4000, 40_000, { 1: 16 })];
  assert.deepEqual(
    named(
      play(
        HERE,
        dead((j) => j === 1, late),
        AT + 20_000,
      ),
    ),
    [`RS_DOWN(${RS} unreachable)`],
  );
  const later = [...word(0, AT + 12_000, { 1: 0 }), ...word(AT + 12_000, 60_000, { 1: 16 })];
  assert.deepEqual(
    named(
      play(
        HERE,
        dead((j) => j === 1, later),
        AT + 30_000,
      ),
    ),
    ['unreachable', 'local_path', 'unreachable'].map((cause) => `RS_DOWN(${RS} ${cause})`),
    'and has its own cause again when they do',
  );
});

test('a word from before the fault does not testify that the fault is here only: etcd went first, or with it', () => {
  const fate = (isDead: (j: number) => boolean, lastWord: number) =>
    named(play(HERE, dead(isDead, word(0, lastWord, {})), AT + 14_000));
  const own = [`RS_DOWN(${RS} unreachable)`];
  assert.deepEqual(
    fate((j) => j === 1, AT),
    own,
  );
  assert.deepEqual(
    fate((j) => j === 1, AT + 3000),
    own,
    'nor one that the others gave before they could know',
  );
  assert.deepEqual(
    fate(() => true, AT + 1000).filter((each) => each === 'AGENT_ILL'),
    [],
  );
});

test('a rack that is dead for all says so', () => {
  const run = play(
    HERE,
    dead((j) => j < 3, word(0, 40_000, { 0: 16, 1: 16, 2: 15 })),
    AT + 12_000,
  );
  const rack = run.transitions.find((x) => x.verdict === 'RACK_FAULT')!;
  assert.match(
    rack.reason,
    /3 of 3 .* went down together; 3 of them are unreachable from most of 16 other load balancers too\.$/,
  );
});

test('most fail here and are reachable elsewhere: this server is the ill one, and nothing is taken out', () => {
  const run = play(
    HERE,
    dead((j) => j < 5, word(0, 60_000, {}), AT + 30_000),
    AT + 50_000,
  );
  assert.deepEqual(named(run).slice(0, 2), ['AGENT_ILL', 'OK']);
  assert.match(
    run.transitions[0]!.reason,
    /^5 real servers fail here and 5 of them are reachable from most of 16 .* the ill one/,
  );
  assert.deepEqual(run.actions, []);
  assert.ok(run.transitions[0]!.t < AT + 8500, String(run.transitions[0]!.t));
});

test('everything fails here and nothing elsewhere: one verdict, AGENT_ILL; everything fails everywhere: ALL_RS_DOWN', () => {
  assert.deepEqual(
    named(
      play(
        HERE,
        dead(() => true, word(0, 60_000, {})),
        AT + 20_000,
      ),
    ),
    ['AGENT_ILL'],
  );
  const everywhere = [...word(0, AT + 2500, {}), ...word(AT + 2500, 60_000, all(16))];
  assert.deepEqual(
    named(
      play(
        HERE,
        dead(() => true, everywhere),
        AT + 20_000,
      ),
    ),
    ['ALL_RS_DOWN'],
  );
  assert.deepEqual(
    named(
      play(
        HERE,
        dead(() => true, word(0, 60_000, {}, 2)),
        AT + 20_000,
      ),
    ),
    ['ALL_RS_DOWN'],
    'two are too few',
  );
});

test('cut off with gateways that are silent stays AGENT_ISOLATED, which onIsolated follows', () => {
  const fault = {
    ...dead(() => true, word(0, 60_000, {})),
    anchor: () => (t: number) => (t < AT ? ('ok' as const) : ('timeout' as const)),
  };
  assert.deepEqual(named(play(HERE, fault, AT + 20_000)), ['AGENT_ISOLATED']);
});

test('without a word AGENT_ILL stays, but not for ever', () => {
  const shape = topology({ nics: 2, servers: 8, rules: { fleet_memory_ms: 20_000 } });
  const run = play(
    shape,
    dead(() => true, word(0, AT + 12_000, {})),
    AT + 50_000,
  );
  assert.deepEqual(named(run), ['AGENT_ILL', 'ALL_RS_DOWN']);
  assert.ok(run.transitions[1]!.t >= AT + 31_000, String(run.transitions[1]!.t));
});

test('a restart keeps the verdict until the others speak again; a reload keeps their word', () => {
  const facts = [...word(0, AT + 12_000, {}), ...word(AT + 25_000, 80_000, {})];
  const restart: AfterPass = (state, _, now) =>
    now === AT + 15_000 ? fromSnapshot(HERE, JSON.parse(JSON.stringify(toSnapshot(state))), now) : undefined;
  assert.deepEqual(
    named(
      play(
        HERE,
        dead(() => true, facts),
        AT + 40_000,
        { after: restart },
      ),
    ),
    ['AGENT_ILL'],
  );
  const turned = { ...HERE, realServers: HERE.realServers.toReversed() };
  const bad = { 0: 2, 5: 16 };
  const { state } = play(
    HERE,
    dead((j) => j === 0 || j === 5, word(0, 40_000, bad)),
    AT + 12_000,
  );
  const reasons = (s: typeof state) =>
    [0, 5].map((j) => why(s, { subject: 'rs', rs: HERE.realServers[j]!.id })!.evidence.numbers);
  const before = reasons(state).map((n) => n['fleet_reachable']);
  assert.deepEqual(before, [14, 0]);
  assert.deepEqual(
    reasons(retopologise(state, turned, state.clock.now)).map((n) => n['fleet_reachable']),
    before,
  );
});

test('a copy for the HTTP thread, and an exact state, say the same', () => {
  const { state } = play(
    HERE,
    dead((j) => j === 1, word(0, 40_000, { 1: 2 })),
    AT + 12_000,
  );
  const shape = mirrorShape(state);
  const buffer = new SharedArrayBuffer(shape.bytes);
  const mirror = openMirror(HERE, shape, buffer);
  mirror.show(structuredClone(writeMirror(state, buffer)));
  const plain = (of: typeof state) => structuredClone(verdicts(of).map((v) => ({ ...v })));
  assert.deepEqual(plain(mirror.state), plain(state));
  const again = fromExactState(HERE, JSON.parse(JSON.stringify(exactState(state))));
  assert.deepEqual(again.fleet, state.fleet);
  const without = play(
    HERE,
    dead((j) => j === 1, []),
    AT + 12_000,
  ).state;
  assert.ok(!('fleet' in exactState(without)), 'without a word a state is what it was');
});

test('a recorded log with the others’ word replays to the same', () => {
  const run = play(
    HERE,
    dead((j) => j === 1, word(0, 40_000, { 1: 2 })),
    AT + 12_000,
  );
  const replay = new Replay();
  const again = [...run.log.flatMap((line) => replay.line(line)), ...replay.end()];
  assert.deepEqual(again.map(say), run.transitions.map(say));
  assert.match(formatTransition(again[1]!), /"cause":"local_path"/);
  const refuses = (line: string, message: RegExp) => assert.throws(() => replay.line(line), message);
  refuses('{"t":1,"fleet":{"witnesses":3,"servers":["x"],"bad":[0],"unknown":[0]}}', /rs "x" is not in the header/);
  refuses(`{"t":1,"fleet":{"witnesses":3,"servers":["${RS}"],"bad":[],"unknown":[0]}}`, /bad has 0 entries; it must have 1/);
  refuses(`{"t":1,"fleet":{"witnesses":3,"servers":["${RS}"],"bad":[-1],"unknown":[0]}}`, /count is -1/);
  refuses('{"t":1,"fleet":{"witnesses":-3,"servers":[],"bad":[],"unknown":[]}}', /witnesses is -3/);
});
