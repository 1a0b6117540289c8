import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barrierOf, barrierText, outcomeOf } from '../../src/cluster/barrier/barrier.ts';
import { activeAt, type CronCalendar, excusedBy, maintenanceText } from '../../src/cluster/roster/maintenance.ts';
import { GRACE_MS, look, presenceOf } from '../../src/cluster/roster/presence.ts';
import type { Applied, Maintenance, Member } from '../../src/cluster/values.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const member = (boot = 'b1'): Member => ({ boot, version: '1', addresses: [], ready: true });
const applied = (more: Partial<Applied> = {}): Applied => ({
  release: 2,
  root: B,
  seen: 10,
  state: 'applied',
  running: B,
  prepared: null,
  lastGood: B,
  plan: null,
  error: null,
  attempt: 0,
  boot: 'b1',
  version: '1',
  planHash: null,
  drift: { count: 0, samples: [] },
  ...more,
});
const target = { mod: 10, value: { release: 2, root: B } };
const maintenance = (more: Partial<Maintenance>): Maintenance => ({
  by: 'ops',
  at: '2026-11-28T10:00:00Z',
  why: 'disks',
  subject: { server: 'lb-1' },
  ...more,
});
const never: CronCalendar = { lastBefore: () => undefined };
const none = excusedBy([]);

/** How one server counts. */
function counts(value: Applied | undefined, stage: 'apply' | 'prepare' = 'apply', pointer = target) {
  const barrier = barrierOf({
    target: pointer,
    stage,
    expected: ['lb-1'],
    presence: () => ({ is: 'there', member: member() }),
    applied: new Map(value === undefined ? [] : [['lb-1', value]]),
    excused: none,
  });
  return `${barrier.rows[0]!.counts}: ${barrier.rows[0]!.text}`;
}

test('applied means that the root runs, by this process, for this pointer', () => {
  assert.equal(counts(applied()), 'done: runs release 2');
  assert.equal(counts(undefined), 'pending: it has not written back yet');
  assert.equal(counts(applied({ boot: 'b0' })), 'pending: it has not written back yet');
  assert.equal(counts(applied({ seen: 9 })), 'pending: it has not seen the pointer of revision 10 yet');
  assert.equal(counts(applied({ seen: 11 })), 'pending: it acts on a newer pointer, of revision 11');
  assert.equal(counts(applied({ running: A })), 'pending: applied');
  assert.equal(counts(applied({ state: 'applying' })), 'pending: applying');
  assert.equal(counts(applied({ state: 'failed', error: 'EPERM', running: A })), 'failed: failed: EPERM');
  assert.equal(counts(applied({ state: 'refused', error: 'empty' })), 'failed: refused: empty');
});

test('prepared means that the next root is, while the pointer’s runs', () => {
  const pointer = { mod: 10, value: { release: 1, root: A, prepare: { release: 2, root: B } } };
  const value = applied({ root: A, running: A, prepared: B, state: 'prepared' });
  assert.equal(counts(value, 'prepare', pointer), 'done: has prepared release 2');
  assert.equal(counts({ ...value, prepared: null, state: 'applied' }, 'prepare', pointer), 'pending: applied');
});

test('absent, excused and strange servers are named; what is missing for a moment is waited for', () => {
  const expected = ['lb-1', 'lb-2', 'lb-3', 'lb-4'];
  const members = new Map([
    ['lb-1', member()],
    ['lb-9', member()],
  ]);
  let since = look(expected, members, new Map(), 1000);
  since = look(expected, members, since, 5000);
  const entries = new Map([['m1', maintenance({ subject: { server: 'lb-3' } })]]);
  const at = (now: number) =>
    barrierOf({
      target,
      stage: 'apply',
      expected,
      presence: (server) => presenceOf(server, members, since, now),
      applied: new Map([['lb-1', applied()]]),
      excused: excusedBy(activeAt(entries, Date.parse('2026-11-28T11:00:00Z'), never)),
      strangers: ['lb-9'],
    });
  assert.equal(outcomeOf(at(1000 + GRACE_MS - 1)), 'waiting');
  const barrier = at(1000 + GRACE_MS);
  assert.equal(barrierText(barrier), 'applied by 1 of 4; 2 absent: lb-2, lb-4; 1 excused: lb-3; 1 stranger: lb-9');
  assert.equal(outcomeOf(barrier), 'absent');
  assert.equal(outcomeOf(barrier, 1), 'absent');
  assert.equal(outcomeOf(barrier, 2), 'done');
});

test('one failure breaks the barrier, whatever else is pending', () => {
  const count = { done: 1, pending: 1, failed: 1, absent: 0, excused: 0, stranger: 0 };
  assert.equal(outcomeOf({ counts: count }), 'failed');
});

test('maintenance holds from its beginning to its end, and at the times of its calendar', () => {
  const t = (hour: number) => Date.parse(`2026-11-28T${String(hour).padStart(2, '0')}:00:00Z`);
  const holds = (entry: Maintenance, now: number, calendar = never) =>
    activeAt(new Map([['m', entry]]), now, calendar).length === 1;
  assert.equal(holds(maintenance({}), t(9)), false);
  assert.equal(holds(maintenance({}), t(10)), true);
  const until = maintenance({ until: '2026-11-28T12:00:00Z' });
  assert.deepEqual([holds(until, t(11)), holds(until, t(12))], [true, false]);
  const nightly = maintenance({ calendar: { cron: '0 11 * * *', zone: 'Europe/Berlin', forMs: 3_600_000 } });
  const eleven: CronCalendar = { lastBefore: (_, __, now) => (now >= t(11) ? t(11) : undefined) };
  assert.deepEqual(
    [10, 11, 12].map((hour) => holds(nightly, t(hour), eleven)),
    [false, true, false],
  );
  const [active] = activeAt(new Map([['m', nightly]]), t(11), eleven);
  assert.equal(maintenanceText(active!), 'in maintenance by ops until 2026-11-28T12:00:00.000Z: disks (m)');
});

test('a NIC and a real server can be in maintenance too', () => {
  const entries = new Map([
    ['m1', maintenance({ subject: { server: 'lb-1', nic: 'eth2' } })],
    ['m2', maintenance({ subject: { realServer: '10.0.0.1:80' } })],
    ['m3', maintenance({ subject: { server: 'lb-1', nic: 'eth2' }, why: 'later' })],
  ]);
  const excused = excusedBy(activeAt(entries, Date.parse('2026-11-28T11:00:00Z'), never));
  assert.equal(excused.nics.get('lb-1')?.get('eth2')?.why, 'disks');
  assert.equal(excused.servers.size, 0);
  assert.ok(excused.realServers.has('10.0.0.1:80'));
});
