/** The judge's turn over fake lanes: what goes in comes out once, in order, and everybody concerned hears of it. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Loop } from '../../src/daemon/loop.ts';
import type { RecordedPass, Recorder } from '../../src/daemon/recorder.ts';
import { tell, tellAction } from '../../src/daemon/tell.ts';
import { TransitionLog } from '../../src/report/history.ts';
import { initial } from '../../src/judge/judge.ts';
import type { Lanes } from '../../src/lanes/lanes.ts';
import { type Facts, linkFact, newBatch } from '../../src/model/facts.ts';
import { OK, REFUSED, TIMEOUT } from '../../src/model/outcome.ts';
import { topologyOf } from '../../src/model/topology.ts';
import type { Decisions } from '../../src/model/verdict.ts';
import type { Logger } from '../../src/sys/log.ts';
import { planOf, Stage } from '../act/world.ts';
import { noSpans } from './no-spans.ts';

const SERVERS = ['10.1.0.1:80', '10.1.0.2:80', '10.1.0.3:80', '10.1.0.4:80'];
const plan = planOf(`nics: [{name: eth2}, {name: eth3}]
services:
  - {name: web, vip: 10.0.0.1:80/tcp, realServers: ${JSON.stringify(SERVERS)}, actuator: {exec: {command: [/web]}}}
`);
const topology = topologyOf(plan);

/** A loop on a clock that the test turns, with lanes that answers as told. */
function stage() {
  const acting = new Stage();
  acting.reconciler.setPlan(plan);
  const world = { now: 100_000, outcome: (_nic: number, _server: number): number => OK };
  const recorded: Facts[] = [];
  const heard: Decisions[] = [];
  const history = new TransitionLog();
  const batch = newBatch(16);
  const collect = () => {
    batch.count = 0;
    for (let nic = 0; nic < 2; nic++) {
      for (let server = 0; server < SERVERS.length; server++) {
        const k = batch.count++;
        batch.nic[k] = nic;
        batch.target[k] = server;
        batch.outcome[k] = world.outcome(nic, server);
        batch.t[k] = world.now;
      }
    }
    return batch;
  };
  const recorder = { record: ({ facts }: RecordedPass) => recorded.push({ ...facts, results: { ...facts.results } }) };
  const loop = new Loop(
    {
      clock: () => world.now,
      lanes: { collect } as unknown as Lanes,
      reconciler: acting.reconciler,
      history,
      recorder: () => recorder as unknown as Recorder,
      changed: (decisions) => heard.push(decisions),
    },
    topology,
    initial(topology, world.now),
  );
  /** One pass per interval for a while. */
  const pass = (rounds: number) => {
    for (let i = 0; i < rounds; i++) {
      world.now += topology.intervalMs;
      acting.now = world.now;
      loop.pass();
    }
  };
  return { loop, world, acting, recorded, heard, history, pass };
}

test('a fault: judged, recorded, remembered, acted upon and told, each once', async () => {
  const { loop, world, acting, recorded, heard, history, pass } = stage();
  pass(10);
  assert.deepEqual([heard.length, loop.verdicts().length, acting.calls.length], [0, 0, 0]);
  world.outcome = (_, server) => (server === 1 ? TIMEOUT : OK);
  pass(8);
  assert.deepEqual(
    loop.verdicts().map((v) => `${v.verdict} ${v.cause} ${v.rs}`),
    ['RS_DOWN unreachable 10.1.0.2:80'],
  );
  assert.equal(loop.verdicts(), loop.verdicts(), 'made once per pass');
  assert.deepEqual(acting.calls, ['realServer web 10.1.0.2:80 disabled 0']);
  assert.deepEqual(
    history.since(0).map((t) => t.verdict),
    ['RS_DOWN'],
  );
  assert.equal(heard.length, 1);
  assert.equal(recorded.length, 18);
  assert.equal(
    loop.durations.values.subarray(0, -1).reduce((a, b) => a + b),
    18,
  );
  await acting.endAll();
});

test('a link change is judged at once and again when its debounce is over; each fact is used once', () => {
  const { loop, world, recorded, heard, pass } = stage();
  pass(10);
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  try {
    loop.start();
    const before = recorded.length;
    loop.observe({ kind: 'link', measuredAt: world.now - 2, nic: 0, carrier: 0 });
    assert.equal(recorded.length, before + 1);
    assert.deepEqual(recorded.at(-1)!.observations, [linkFact(0, 0, world.now, world.now - 2)], 'stamped at arrival');
    assert.equal(heard.length, 0);
    world.now += 51;
    mock.timers.tick(51);
    assert.ok(recorded.slice(before + 1).every((facts) => facts.observations.length === 0));
    assert.deepEqual(
      heard.map((d) => d.transitions.map((t) => `${t.verdict} ${t.cause} ${t.nic}`)),
      [['NIC_FAIL carrier eth2']],
    );
    loop.stop();
    const stopped = recorded.length;
    mock.timers.tick(1000);
    assert.equal(recorded.length, stopped, 'no pass after the stop');
    loop.observe({ kind: 'link', measuredAt: world.now, nic: 1, carrier: 0 });
    assert.equal(recorded.length, stopped, 'what comes meanwhile waits for the next pass');
    loop.pass();
    assert.equal(recorded.at(-1)!.observations.length, 1);
  } finally {
    loop.stop();
    mock.timers.reset();
  }
});

test('after a reload the wanted state is announced by the next pass, even when nothing changed', () => {
  const { loop, acting, pass } = stage();
  pass(3);
  const announced = mock.method(acting.reconciler, 'pass');
  pass(1);
  assert.equal(announced.mock.callCount(), 0);
  loop.replace(topology, loop.state);
  pass(2);
  assert.equal(announced.mock.callCount(), 1);
});

test('an isolation reaches onIsolated although everything is frozen; a total failure of real servers does not', async () => {
  const { loop, world, acting, pass } = stage();
  const isolating = planOf(`nics: [{name: eth2, anchors: [192.0.2.1]}, {name: eth3}]
onIsolated: [{exec: {command: [/bgp]}}]
services:
  - {name: web, vip: 10.0.0.1:80/tcp, realServers: ${JSON.stringify(SERVERS)}}
`);
  acting.reconciler.setPlan(isolating);
  pass(10);
  world.outcome = () => REFUSED;
  pass(30);
  assert.deepEqual([loop.verdicts()[0]?.verdict, acting.calls], ['ALL_RS_DOWN', []]);
  world.outcome = () => OK;
  pass(60);
  world.outcome = () => TIMEOUT;
  pass(20);
  assert.deepEqual([loop.verdicts()[0]?.verdict, acting.calls], ['AGENT_ISOLATED', ['agent failed']]);
  await acting.endAll();
  world.outcome = () => OK;
  pass(30);
  assert.deepEqual(acting.calls, ['agent ok']);
  await acting.endAll();
});

/** Lines as the log gets them. */
function logged(write: (log: Logger) => void): { level: string; message: string; fields: Record<string, unknown> }[] {
  const lines: ReturnType<typeof logged> = [];
  const log = Object.fromEntries(
    ['info', 'warn', 'error'].map((level) => [
      level,
      (fields: Record<string, unknown>, message: string) => lines.push({ level, message, fields }),
    ]),
  );
  write(log as unknown as Logger);
  return lines;
}

test('the log names subject, verdict, rule and what was held back; recovery is no warning', () => {
  const { heard, world, pass } = stage();
  pass(10);
  world.outcome = (nic) => (nic === 0 ? TIMEOUT : OK);
  pass(10);
  const fail = heard.find((d) => d.transitions.some((t) => t.verdict === 'NIC_FAIL'))!;
  const lines = logged((log) => tell(log, fail, noSpans));
  assert.match(lines[0]!.message, /^nic eth2: /);
  assert.equal(lines[0]!.level, 'warn');
  assert.deepEqual([lines[0]!.fields['verdict'], lines[0]!.fields['rule']], ['NIC_FAIL', 'R3']);
  const t = fail.transitions[0]!;
  const blocked = [{ action: { action: 'disable_nic', nic: 'eth2' }, rule: 'last_nic' }] as const;
  const ok = logged((log) =>
    tell(log, { ...fail, blocked, transitions: [{ ...t, verdict: 'OK', subject: 'path', rs: 'x' }] }, noSpans),
  );
  assert.deepEqual(
    ok.map((l) => l.level),
    ['info', 'warn'],
  );
  assert.match(ok[0]!.message, /^path eth2 → x: /);
  assert.deepEqual(ok[1]!.fields['rule'], 'last_nic');
});

test('the log tells of actions: done, or failed with how often and why', async () => {
  const { acting, world, pass } = stage();
  pass(10);
  world.outcome = (_, server) => (server === 1 ? TIMEOUT : OK);
  pass(8);
  await acting.endAll(new Error('exited with 3'));
  const [failed] = logged((log) => tellAction(log, acting.reports[0]!));
  assert.equal(failed?.level, 'error');
  assert.equal(failed.message, 'realServer web 10.1.0.2:80: failed, will be tried again');
  assert.deepEqual([failed.fields['failures'], failed.fields['error']], [1, 'exited with 3']);
  const [done] = logged((log) => tellAction(log, { ...acting.reports[0]!, result: 'ok', error: '' }));
  assert.deepEqual([done?.level, done?.message], ['info', 'realServer web 10.1.0.2:80: done']);
  const told = (part: Partial<(typeof acting.reports)[number]>) => {
    const [line] = logged((log) => tellAction(log, { ...acting.reports[0]!, error: '', ...part }));
    return [line?.level, line?.message, line?.fields['error']];
  };
  const name = 'realServer web 10.1.0.2:80';
  assert.deepEqual(told({ result: 'ok', drift: true }), ['warn', `${name}: somebody else had changed it; done again`, undefined]);
  assert.deepEqual(told({ result: 'unchanged', error: 'left alone' }), ['warn', `${name}: left alone`, undefined]);
  const again = { known: true, error: 'left alone' } as const;
  assert.deepEqual(told({ result: 'unchanged', ...again }), [undefined, undefined, undefined], 'the next step of a slow start');
  assert.deepEqual(told({ result: 'unsupported', ...again })[0], undefined);
  assert.deepEqual(told({ result: 'ok', ...again }), ['info', `${name}: done`, undefined]);
  assert.equal(told({ result: 'failed', ...again })[0], 'error', 'each failure is another one');
  assert.deepEqual(told({ result: 'unsupported', error: 'old agent' }), [
    'error',
    `${name}: cannot be done, is not tried again`,
    'old agent',
  ]);
});
