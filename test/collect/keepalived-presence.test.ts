/** What looks at keepalived's processes and dumps prove, as tables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { between, type Known, type Seen } from '../../src/collect/keepalived/between.ts';
import type { State } from '../../src/keepalived/state/notify.ts';
import { NOT_LOOKED, type Presence, type PresenceEvent, stepped } from '../../src/collect/keepalived/presence.ts';
import type { Role } from '../../src/collect/keepalived/processes.ts';

const look = (now: number, running: Partial<Record<Role, string>>): PresenceEvent => ({
  is: 'looked',
  now,
  running: new Map(Object.entries(running) as [Role, string][]),
});
const loaded = (at: number): PresenceEvent => ({ is: 'loaded', at });
const both = { parent: 'p1', vrrp: 'v1' };

const PRESENCE: readonly [name: string, events: readonly PresenceEvent[], after: Partial<Presence>][] = [
  ['nothing runs', [look(1, {})], { vrrp: undefined, looked: true, starts: 0, mixed: false }],
  ['what runs at the first look has not started', [look(1, both)], { vrrp: 'v1', starts: 0, mixed: false, since: -Infinity }],
  ['the same again', [look(1, both), look(2, both)], { starts: 0, mixed: false }],
  ['one appears', [look(1, {}), look(2, both)], { vrrp: 'v1', starts: 1, mixed: true, since: 2 }],
  [
    'another takes its place',
    [look(1, both), look(2, { ...both, vrrp: 'v2' })],
    { vrrp: 'v2', starts: 1, mixed: true, since: 2 },
  ],
  ['a look without it keeps it', [look(1, both), look(2, { parent: 'p1' })], { vrrp: 'v1', starts: 0 }],
  ['it ends', [look(1, both), { is: 'vrrpEnded' }], { vrrp: undefined, starts: 0 }],
  ['it comes back', [look(1, both), { is: 'vrrpEnded' }, look(3, both)], { vrrp: 'v1', starts: 1, since: 3 }],
  ['its lines are read', [look(1, {}), look(2, both), { is: 'linesRead' }], { mixed: false, starts: 1 }],
  ['a first load is no reload', [look(1, both), loaded(100)], { reloads: 0, loaded: { parent: 'p1', at: 100 } }],
  ['a later load is one', [look(1, both), loaded(100), loaded(102)], { reloads: 1 }],
  [
    'loading moves the time by up to a second',
    [look(1, both), loaded(100), loaded(101)],
    { reloads: 0, loaded: { parent: 'p1', at: 101 } },
  ],
  [
    "another parent's load is no reload",
    [look(1, both), loaded(100), look(2, { ...both, parent: 'p2' }), loaded(200)],
    { reloads: 0 },
  ],
  ['a load of nobody', [loaded(100)], { loaded: undefined }],
];

describe('keepalived: its processes over looks', () => {
  for (const [name, events, after] of PRESENCE) {
    it(name, () => {
      const end = events.reduce(stepped, NOT_LOOKED);
      for (const [key, value] of Object.entries(after)) assert.deepEqual(end[key as keyof Presence], value, key);
    });
  }

  it('restarts are counted by role, from the second process on', () => {
    const end = [
      look(1, both),
      look(2, { parent: 'p1', vrrp: 'v2' }),
      look(3, { parent: 'p1', vrrp: 'v3', checker: 'c1' }),
    ].reduce(stepped, NOT_LOOKED);
    assert.deepEqual(
      [...end.known].map(([role, { restarts }]) => [role, restarts]),
      [
        ['parent', 0],
        ['vrrp', 2],
        ['checker', 0],
      ],
    );
  });
});

const known = (state: State, more: Partial<Known> = {}): Known => ({
  state,
  masters: 0,
  shown: 1,
  announced: false,
  unsure: false,
  ...more,
});
const seen = (state: State, masters = 0, more: Partial<Seen> = {}): Seen => ({
  name: 'v',
  state,
  masters,
  lastTransition: 1,
  ...more,
});
const moved = { lastTransition: 2 };
const announced = { announced: true };

const BETWEEN: readonly [name: string, known: Known, seen: Seen, entered: readonly State[]][] = [
  ['nothing happened', known('backup'), seen('backup'), []],
  ['it has not begun', known('backup'), seen('init', 1), []],
  ['it has ended', known('master'), seen('stop', 1), []],
  ['it became master', known('backup'), seen('master', 1), ['master']],
  ['it became master again', known('master'), seen('master', 1), ['backup', 'master']],
  ['it became master twice', known('backup'), seen('master', 2), ['backup', 'master', 'master']],
  ['the owner becomes master from FAULT', known('master'), seen('master', 1, { owner: true }), ['master']],
  ['between lines', known('master', announced), seen('master', 1), ['master']],
  ['it was master meanwhile', known('backup'), seen('backup', 1), ['master', 'backup']],
  ['it was master meanwhile, lines said where it is', known('backup', announced), seen('backup', 1), ['master']],
  ['it was master and failed', known('backup'), seen('fault', 1), ['master', 'fault']],
  ['statistics were cleared', known('master', { masters: 5 }), seen('master', 0), []],
  ['not known how often it was master', known('backup', { masters: undefined }), seen('master', 7), ['master']],
  ['a group has no number', known('backup'), { name: 'g', state: 'master' }, ['master']],
  ['it failed', known('master'), seen('fault'), ['fault']],
  ['it waits in FAULT from the start', known('init'), seen('fault'), []],
  ['it may be the FAULT of the former process', known('backup', { unsure: true }), seen('fault'), []],
  ['left and back: backup', known('backup'), seen('backup', 0, moved), ['fault', 'backup']],
  ['left and back: fault', known('fault'), seen('fault', 0, moved), ['backup', 'fault']],
  ['master cannot have come back', known('master'), seen('master', 0, moved), []],
  ['something was counted since', known('backup', { shown: undefined }), seen('backup', 0, moved), []],
];

describe('keepalived: what a dump proves', () => {
  for (const [name, before, shown, entered] of BETWEEN) {
    it(name, () => assert.deepEqual(between(before, shown, false), entered));
  }

  it('a reload moves the time of the last transition, and nothing else', () => {
    assert.deepEqual(between(known('backup'), seen('backup', 0, moved), true), []);
    assert.deepEqual(between(known('backup'), seen('fault', 0, moved), true), ['fault']);
  });
});
