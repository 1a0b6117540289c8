import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permitsOf, waitingNics, wishesOf } from '../../src/cluster/budget/asks.ts';
import { encodeEvidence, rootPrefix } from '../../src/cluster/evidence/evidence.ts';
import { type JsonKind, keyOf, type ValueOf } from '../../src/cluster/keys.ts';
import { writeValue } from '../../src/cluster/value-codec.ts';
import { FleetWord } from '../../src/cluster/view/fleet-word.ts';
import type { Item } from '../../src/cluster/view/state.ts';
import { readState } from './memory-store.ts';
import { shardMates, statusOf } from '../../src/cluster/view/status.ts';
import { renderPlan, renderStatus, renderWhy } from '../../src/cli/cluster/tables.ts';
import type { Applied } from '../../src/cluster/values.ts';
import { appliedValue } from './fleet-model.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const AT = '2026-11-28T10:00:00Z';
let revision = 100;
const item = <K extends JsonKind>(kind: K, names: (string | number)[], value: ValueOf<K>, mod = ++revision): Item => {
  const key = keyOf(kind, ...names);
  return { key, value: writeValue(kind, key, value), create: mod, mod };
};
const said = (server: string, bad: number[], more = {}): Item => ({
  key: keyOf('evidence', 0, server),
  value: encodeEvidence({ root: rootPrefix(A), epoch: 1, frozen: false, blind: false, length: 4, bad, ...more }),
  create: ++revision,
  mod: revision,
});
const applied = (seen: number, more: Partial<Applied> = {}): Applied =>
  appliedValue({ root: A, seen, running: A, lastGood: A, ...more });
const there = { boot: 'b', version: '0.1.0', addresses: [], ready: true };
const MOD = 50;
const items: Item[] = [
  item('target', ['rest'], { release: 1, root: A, prepare: { release: 2, root: B } }, MOD),
  ...[1, 2, 3, 4, 5].map((i) => item('roster', [`lb-${i}`], { ring: 'rest', site: 's', rack: `k${i}` })),
  ...[1, 2, 3, 4].map((i) => item('member', [`lb-${i}`], there)),
  item('member', ['lb-9'], there),
  item('applied', ['lb-1'], applied(MOD, { prepared: B, plan: { added: 2, removed: 1, changed: 5, actions: 0 } })),
  item('applied', ['lb-2'], applied(MOD, { state: 'failed', error: 'EPERM', running: B })),
  item('applied', ['lb-3'], applied(MOD - 1)),
  item('applied', ['lb-4'], applied(MOD, { drift: { count: 2, samples: ['web 10.0.0.1:80 weight'] } })),
  said('lb-1', []),
  said('lb-2', [1, 3]),
  said('lb-3', [], { frozen: true }),
  said('lb-4', [1]),
  item('maintenance', ['m1'], { by: 'ops', at: AT, why: 'disks', subject: { server: 'lb-4' } }),
  item('budgetRule', ['server'], { scope: 'cluster', max: { servers: 2 }, floor: 1, blind: 0 }),
  item('budgetHolder', ['server', 'lb-2'], {
    by: 'lb-2',
    at: AT,
    why: 'AGENT_ILL',
    boot: 'b',
    subjects: ['server'],
    state: 'asked',
  }),
  item('poison', [B], { by: 'lb-2', at: AT, why: 'it crashed twice' }),
  item('lead', [], { by: 'cli', at: AT }),
  item('rollout', [1], {
    n: 1,
    to: { release: 2, root: B },
    from: { rest: { release: 1, root: A } },
    stages: [{ ring: 'rest', soakMs: 0 }],
    stage: 0,
    state: 'halted',
    why: 'lb-2 of ring rest: failed: EPERM',
    onHalt: 'rollback',
    allowAbsent: 0,
    baseline: [],
    startedBy: 'ops',
    at: AT,
  }),
  { key: 'roster/lb-7', value: Buffer.from('{"ring":5}'), create: 1, mod: 1 },
  { key: 'other/x', value: Buffer.from(''), create: 1, mod: 1 },
];
const looking = {
  now: Date.parse('2026-11-28T11:00:00Z'),
  clock: 60_000,
  since: new Map([['lb-5', 20_000]]),
  calendar: { lastBefore: () => undefined },
};
const status = () => statusOf('edge', readState(items), looking);

test('every kind of key is read; what is damaged or foreign is named and hides nothing', () => {
  const state = readState(items);
  assert.deepEqual(state.problems.length, 2);
  assert.match(state.problems[0]!, /^roster\/lb-7: ring: found 5: /);
  assert.match(state.problems[1]!, /^other\/x: no key/);
  assert.equal(state.lead?.value.by, 'cli');
  assert.equal(state.budgetHolder.get('server')!.get('lb-2')!.value.why, 'AGENT_ILL');
});

const APPLIED = 'applied by 1 of 5; 1 pending: lb-3; 1 failed: lb-2; 1 absent: lb-5; 1 excused: lb-4; 1 stranger: lb-9';
const PREPARED = 'prepared by 1 of 5; 1 pending: lb-3; 1 failed: lb-2; 1 absent: lb-5; 1 excused: lb-4';

test('the status of a cluster, as a table', () => {
  assert.equal(
    renderStatus(status()),
    `cluster edge: 1 of 5 servers run what they should

RING  RELEASE  ROOT          PREPARES
rest  1        aaaaaaaaaaaa  2         ${APPLIED}. ${PREPARED}

SERVER  RING  SITE  RACK  STATE    RUNS          REAL SERVERS        VERSION
lb-1    rest  s     k1    DONE     aaaaaaaaaaaa  all good            0.1.0    runs release 1
lb-2    rest  s     k2    FAILED   bbbbbbbbbbbb  2 bad               0.1.0    failed: EPERM
lb-3    rest  s     k3    PENDING  aaaaaaaaaaaa  no witness: frozen  0.1.0    it has not seen the pointer of revision 50 yet
lb-4    rest  s     k4    EXCUSED  aaaaaaaaaaaa  1 bad               0.1.0    in maintenance by ops: disks (m1)
lb-5    rest  s     k5    ABSENT   –             no witness: dead             no sign of it for 40 s

ROLLOUT  RELEASE  STATE
1        2        halted  lb-2 of ring rest: failed: EPERM

BUDGET  SCOPE    GONE            HELD BY
server  cluster  3 of at most 2  lb-2 (server: AGENT_ILL)

DRIFT  OF
lb-2   configuration  runs bbbbbbbbbbbb, should run aaaaaaaaaaaa
lb-4   data_plane     2 differ from the plan, such as web 10.0.0.1:80 weight

MAINTENANCE
lb-4: in maintenance by ops: disks (m1)

POISON        WHY
bbbbbbbbbbbb  it crashed twice

DAMAGED
${readState(items).problems.join('\n')}`,
  );
});

test('why a server is as it is', () => {
  assert.equal(
    renderWhy(status(), 'lb-2'),
    `lb-2: FAILED  failed: EPERM
  ring rest, site s, rack k2
  there, ready, fourlane 0.1.0
  should run release 1 (aaaaaaaaaaaa), runs bbbbbbbbbbbb
  real servers: 2 bad
  drift of configuration: runs bbbbbbbbbbbb, should run aaaaaaaaaaaa
  holds budget server for server: AGENT_ILL`,
  );
  assert.equal(renderWhy(status(), 'lb-9'), undefined);
});

test('what a release would change, on each server that has prepared it', () => {
  assert.equal(
    renderPlan(status(), B, 'services: 1 changed'),
    `services: 1 changed

SERVER  RING  ADDED  REMOVED  CHANGED  ACTIONS
lb-1    rest  2      1        5        0
lb-2    rest  –                                 FAILED  failed: EPERM
lb-3    rest  –                                 PENDING  it has not seen the pointer of revision 50 yet
lb-4    rest  –                                 EXCUSED  in maintenance by ops: disks (m1)
lb-5    rest  –                                 ABSENT  no sign of it for 40 s`,
  );
});

test('the word of the others, as the judge gets it: without the dead, the frozen, and lists that are not known', () => {
  const list = ['w', 'x', 'y', 'z'];
  const state = readState(items);
  const mates = shardMates(state, 'lb-5');
  const word = new FleetWord('lb-5', (prefix) => (prefix === rootPrefix(A) ? list : undefined));
  assert.deepEqual(word.testimony(state, mates, A), { witnesses: 3, servers: [1, 3], bad: [2, 1], unknown: [0, 0] });
  assert.equal(word.testimony(state, mates, B), undefined);
  const own = new FleetWord('lb-5', (prefix) => (prefix === rootPrefix(A) ? list : ['v', ...list]));
  assert.deepEqual(own.testimony(state, mates, B), {
    witnesses: 3,
    servers: [0, 2, 4],
    bad: [0, 2, 1],
    unknown: [3, 0, 0],
  });
  const shorter = new FleetWord('lb-5', () => ['w']);
  assert.equal(shorter.testimony(state, mates, A)!.witnesses, 0, 'a list of another length is another list');
});

test('what the judge waits for is asked of the budgets, and what they grant is its permit', () => {
  const blocked = { action: { action: 'disable_nic', nic: 'eth0' }, rule: 'semaphore' } as const;
  const waiting = waitingNics(
    new Set(['eth1', 'eth2']),
    [blocked],
    (nic) => nic === 'eth1',
    (nic) => nic !== 'eth2',
  );
  assert.deepEqual([...waiting], ['eth0'], 'who is out has it, who is well needs none');
  assert.deepEqual(wishesOf('AGENT_ILL', waiting), [
    { budget: 'server', subject: 'server', why: 'AGENT_ILL' },
    { budget: 'nic', subject: 'nic eth0', why: 'NIC_FAIL' },
  ]);
  assert.deepEqual(wishesOf('ALL_RS_DOWN', []), []);
  const cutOff = { budget: 'server', subject: 'server', why: 'AGENT_ISOLATED', lost: true };
  assert.deepEqual(wishesOf('AGENT_ISOLATED', []), [cutOff], 'what is lost already is only counted');
  const permits = permitsOf(['eth0', 'eth1'], (subject) => subject === 'nic eth0', new Map([['eth1', 0]]), 7);
  assert.deepEqual(permits, [{ kind: 'permit', measuredAt: 7, nic: 0, granted: 1 }]);
});
