/** R7 when a lane lags: what another NIC saw before a real server died is no sign that only the path is at fault. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { play, say, topology } from './world.ts';

const AT = 5000;
const NICS = 2;
/** The first real server refuses; through the second NIC it is not probed for `lagMs` from then on. */
const withLag = (lagMs: number, refusesThere = true) =>
  play(
    topology({ nics: NICS, servers: 8 }),
    {
      cell: (i, j) => (t) => {
        if (j !== 0 || t < AT) return 'ok';
        if (i === 1 && t < AT + lagMs) return 'none';
        return i === 0 || refusesThere ? 'refused' : 'ok';
      },
    },
    AT + 6000,
  ).transitions;

test('a real server that one lane has not probed since it died is down, and no path is named before', () => {
  for (const lagMs of [0, 400, 800, 1000, 1200])
    assert.deepEqual(withLag(lagMs).map(say), ['RS_DOWN(10.0.0.0:80 refused)'], `a lag of ${lagMs} ms`);
});

test('a path is named as soon as the other NIC has seen the real server good since', () => {
  const [soon, late] = [withLag(0, false), withLag(800, false)];
  for (const said of [soon, late]) assert.deepEqual(said.map(say), ['PATH(eth0>10.0.0.0:80 refused)']);
  assert.ok(soon[0]!.t <= AT + 2000, `${soon[0]!.t}`);
  assert.ok(late[0]!.t >= AT + 800 && late[0]!.t <= AT + 2500, `${late[0]!.t}`);
});

test('what another NIC saw before a gap in the evidence is no sign of a path either', () => {
  const died = AT + 4800;
  let refusals = 0;
  const cell = (i: number, j: number) => (t: number) => {
    if (j !== 0 || t < AT) return 'ok';
    // Refused once, and not probed again before it dies.
    if (i === 0) return t >= died || refusals++ === 0 ? 'refused' : 'none';
    return t < died ? 'ok' : t < died + 2500 ? 'none' : 'refused';
  };
  // Patient, so that what the other NIC saw last still counts when this one is sure.
  const run = play(topology({ nics: NICS, servers: 8, timeoutMs: 2000 }), { cell }, died + 8000);
  assert.ok(refusals > 1);
  assert.deepEqual(run.transitions.map(say), ['RS_DOWN(10.0.0.0:80 refused)']);
});
