/** Checks that do not go through the NIC, and those that say a weight. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactState, fromExactState } from '../../src/judge/exact.ts';
import { initial, judge, type JudgeState } from '../../src/judge/judge.ts';
import { fromSnapshot, toSnapshot } from '../../src/judge/snapshot.ts';
import { append, type Facts, newBatch } from '../../src/model/facts.ts';
import { causeCode, LOCAL_ERROR, OK, OK_LOCAL, phaseCode, TIMEOUT } from '../../src/model/outcome.ts';
import { type Fault, play, say, topology } from './world.ts';

const AT = 10_000;
const rules = { rs_hold_down_ms: 500, slow_start_ms: 0 };

/** Servers from `first` on have checks that do not go through a NIC. */
const world = (servers: number) => topology({ nics: 2, servers, rules });
const local =
  (
    first: number,
    link: (t: number, i: number, j: number) => boolean,
    value: (t: number, j: number) => boolean,
  ): NonNullable<Fault['cell']> =>
  (i, j) =>
  (t) => {
    if (j >= first) return value(t, j) ? 'ok_local' : 'bad_local';
    return link(t, i, j) ? 'ok' : 'timeout';
  };
const verdicts = (fault: Fault, servers: number, until = AT + 20_000) => play(world(servers), fault, until).transitions.map(say);
const always = () => true;

test('a local check that turns bad takes its real server out, and it alone', () => {
  const cell = local(5, always, (t, j) => t < AT || j !== 7);
  assert.deepEqual(verdicts({ cell }, 10), ['RS_DOWN(10.0.0.7:80 l7)']);
});

test('a NIC is judged by what goes through it, however many local checks are good', () => {
  const cell = local(5, (t, i) => t < AT || i !== 1, always);
  const anchor: Fault['anchor'] = (i) => (t) => (t < AT || i !== 1 ? 'ok' : 'timeout');
  const seen = verdicts({ cell, anchor }, 30);
  assert.ok(seen.includes('NIC_FAIL(eth1 upstream)') || seen.some((each) => each.startsWith('NIC_FAIL(eth1')), seen.join());
  assert.ok(!seen.some((each) => each.startsWith('RS_DOWN')), seen.join());
});

test('all links dead: the agent doubts itself although local checks are good', () => {
  const cell = local(5, (t) => t < AT, always);
  const anchor: Fault['anchor'] = () => (t) => (t < AT ? 'ok' : 'timeout');
  const seen = verdicts({ cell, anchor }, 10);
  assert.ok(
    seen.some((each) => each.startsWith('AGENT_ISOLATED')),
    seen.join(),
  );
  assert.ok(!seen.some((each) => each.startsWith('RS_DOWN')), seen.join());
});

test('a world of local checks alone is no blind agent', () => {
  assert.deepEqual(verdicts({ cell: local(0, always, always), anchor: () => () => 'none' }, 4, AT + 60_000), []);
});

/** A judge that gets one result of one cell in each pass. */
class One {
  state: JudgeState = initial(world(2), 0);
  #now = 0;

  pass(outcome: number, cause: Parameters<typeof causeCode>[0] = 'none', detail = 0, server = 0) {
    this.#now += 100;
    const result = { outcome, phase: phaseCode('run'), cause: causeCode(cause), detail, rttUs: 0, elapsedUs: 0, t: this.#now };
    const facts: Facts = { results: append(newBatch(4), 0, server, result), observations: [] };
    const { state, decisions } = judge(this.state, facts, this.#now);
    this.state = state;
    const { by, value } = decisions.wanted.dynamic;
    return `${decisions.weighed ? 'weighed' : '-'} ${by[server]} ${value[server]}`;
  }
}

test('what a good result says of the weight holds until the next good one; only a change is announced', () => {
  const one = new One();
  assert.equal(one.pass(OK), '- 0 0');
  assert.equal(one.pass(OK, 'weight', 5), 'weighed 1 5');
  assert.equal(one.pass(OK, 'weight', 5), '- 1 5');
  assert.equal(one.pass(TIMEOUT, 'deadline', 9), '- 1 5');
  assert.equal(one.pass(LOCAL_ERROR, 'file', 2), '- 1 5');
  assert.equal(one.pass(OK_LOCAL, 'weight_change', -3), 'weighed 2 -3');
  assert.equal(one.pass(OK, 'none'), 'weighed 0 0');
  assert.equal(one.pass(OK, 'weight', 0, 1), 'weighed 1 0');
});

test('weights are kept over a restart, and in a recorded log', () => {
  const one = new One();
  one.pass(OK, 'weight', 5);
  const again = fromSnapshot(one.state.topology, JSON.parse(JSON.stringify(toSnapshot(one.state))), one.state.clock.now);
  assert.deepEqual([again.wanted.dynamic.by[0], again.wanted.dynamic.value[0]], [1, 5]);
  const exact = fromExactState(one.state.topology, JSON.parse(JSON.stringify(exactState(one.state))));
  assert.deepEqual([exact.wanted.dynamic.by[0], exact.wanted.dynamic.value[0]], [1, 5]);
});
