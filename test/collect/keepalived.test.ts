import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keepalived } from '../../src/collect/keepalived.ts';
import { parseDetails } from '../../src/keepalived/state/details.ts';
import { parseDump, TornError } from '../../src/keepalived/state/dump.ts';
import { parseNotice } from '../../src/keepalived/state/notify.ts';
import { Output } from '../../src/collect/output.ts';
import { blockSchema } from '../../src/collect/settings.ts';
import { recorded } from './keepalived.recorded.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/keepalived/${name}`, import.meta.url), 'utf8');
const STEADY = fixture('ka-steady.keepalived.json');

/** A dump of one instance with a password, as 2.2.7 writes it. */
function dumpWith(data: object): string {
  const [first] = JSON.parse(STEADY) as { data: object; stats: object }[];
  return JSON.stringify([{ ...first, data: { ...first!.data, auth_type: 1, auth_data: 'hunter2x', ...data } }]);
}

describe('keepalived: the JSON dump', () => {
  it('reads instances, priorities, addresses and statistics', () => {
    const [one, , w] = parseDump(STEADY);
    assert.deepEqual(
      { ...one, statistics: one!.statistics.advert_sent },
      {
        name: 'VI_1',
        interface: 'eth0',
        vrid: 51,
        version: 3,
        state: 'master',
        basePriority: 150,
        effectivePriority: 150,
        masterPriority: 0,
        lastTransition: 1795408483.733524,
        advertInterval: 0.5,
        addresses: 2,
        installed: 2,
        statistics: 13,
      },
    );
    assert.equal(w!.name, 'VI_W');
    assert.deepEqual(
      parseDump(fixture('ka-script-failed.keepalived.json')).map((i) => [i.name, i.state, i.installed]),
      [
        ['VI_1', 'fault', 0],
        ['VI_6', 'fault', 0],
        ['VI_W', 'master', 1],
      ],
    );
    const kb = parseDump(fixture('kb-after-peer-stopped.keepalived.json'));
    assert.deepEqual(
      kb.map((i) => [i.state, i.masterPriority > 0]),
      [
        ['master', true],
        ['master', true],
        ['master', true],
      ],
    );
  });

  it('reads the form of json_version 2', () => {
    assert.deepEqual(parseDump(`{"vrrp":${STEADY},"track_process":[]}`), parseDump(STEADY));
  });

  it('tells a torn dump from a wrong one, wherever it ends', () => {
    for (let length = 0; length < STEADY.trimEnd().length; length += 7) {
      assert.throws(() => parseDump(STEADY.slice(0, length)), TornError);
    }
    const wrong = (text: string, message: RegExp) => assert.throws(() => parseDump(text), message);
    wrong('{}', /no dump of VRRP instances/);
    wrong('[{}]', /0\.data/);
    wrong(dumpWith({ state: 9 }), /0\.data\.state/);
    wrong(dumpWith({ base_priority: 'high' }), /0\.data\.base_priority/);
    wrong(dumpWith({ iname: '' }), /0\.data\.iname/);
  });

  it('keeps no password, and quotes none in an error, whatever the damage', () => {
    const text = dumpWith({});
    assert.doesNotMatch(JSON.stringify(parseDump(text)), /hunter2/);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(40), fc.string({ maxLength: 3 }), (at, cut, put) => {
        try {
          assert.doesNotMatch(JSON.stringify(parseDump(text.slice(0, at) + put + text.slice(at + cut))), /hunter2/);
        } catch (error) {
          assert.doesNotMatch(String(error), /hunter/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('keepalived: the text dump', () => {
  it('has sync groups, faults and scripts', () => {
    const details = parseDetails(fixture('ka-steady.keepalived.data'));
    assert.deepEqual(Object.fromEntries(details.groupOf), { VI_1: 'G1', VI_6: 'G1' });
    assert.deepEqual(Object.fromEntries(details.groups), { G1: 'master' });
    assert.deepEqual(Object.fromEntries(details.faults), { VI_1: 0, VI_6: 0, VI_W: 0 });
    assert.deepEqual(Object.fromEntries(details.scripts), { chk: true });
  });

  it('names may hold blanks, commas and equals signs; anything else is left out', () => {
    const details = parseDetails(
      ' VRRP Instance = a = b, c\n   Sync group = x, MASTER\n   Number of config faults = 1\n   Number of interface and ' +
        'track script faults = 2\n' +
        '   Password = hunter2x\n VRRP Sync Group = x, MASTER, FAULT\n VRRP Script = s\n   Status = BAD\n VRRP Script = t\n ' +
        '  Status = odd\n\0\n',
    );
    assert.deepEqual(Object.fromEntries(details.groupOf), { 'a = b, c': 'x, MASTER' });
    assert.deepEqual(Object.fromEntries(details.groups), { 'x, MASTER': 'fault' });
    assert.deepEqual(Object.fromEntries(details.faults), { 'a = b, c': 3 });
    assert.deepEqual(Object.fromEntries(details.scripts), { s: false });
  });
});

describe('keepalived: lines of the FIFO', () => {
  it('reads every recorded line', () => {
    const lines = fixture('ka.notify_fifo.log').trim().split('\n');
    assert.ok(lines.length > 20);
    for (const line of lines) assert.match(parseNotice(line.slice(line.indexOf(' ') + 1)).kind, /^(instance|group)$/, line);
  });

  it('knows names with blanks and quotes, priorities, events, lines of checkers, and what is none of these', () => {
    const instance = { kind: 'instance', name: 'my "VI" 1', state: 'master', priority: 150 };
    assert.deepEqual(parseNotice('INSTANCE "my "VI" 1" MASTER 150'), instance);
    assert.deepEqual(parseNotice('GROUP "G" DELETED 0'), { kind: 'group', name: 'G', state: 'deleted', priority: 0 });
    assert.deepEqual(parseNotice('INSTANCE "x" BACKUP_PRIORITY 9'), { kind: 'priority', name: 'x', priority: 9 });
    assert.deepEqual(parseNotice('INSTANCE "x" MASTER_RX_LOWER_PRI 100'), { kind: 'event' });
    assert.deepEqual(parseNotice('VS [192.0.2.10]:tcp:80 UP'), { kind: 'checker' });
    assert.deepEqual(parseNotice('RS [10.0.1.2]:tcp:80 [192.0.2.10]:tcp:80 DOWN'), { kind: 'checker' });
    for (const line of [
      '',
      'INSTANCE x MASTER 1',
      'INSTANCE "x" MASTER',
      'INSTANCE "x" {UNKNOWN} 1',
      'INSTANCE "x" MASTER 1000',
    ]) {
      assert.deepEqual(parseNotice(line), { kind: 'other' }, line);
    }
  });
});

describe('keepalived: published', () => {
  const data = recorded();
  const output = new Output();
  output.take((samples) => keepalived.publish(data, samples));
  const value = (name: string, ...labels: string[]) => {
    const family = output.families().find((f) => f.name === `fourlane_${name}`);
    const row = family?.rows.findIndex((r) => r.join() === labels.join()) ?? -1;
    return family?.values[row];
  };

  it('shows the state that came last, from whichever source', () => {
    assert.equal(value('vrrp_state', 'VI_W', 'backup'), 1);
    assert.equal(value('vrrp_state', 'VI_W', 'master'), 0);
    assert.equal(value('vrrp_state', 'VI_1', 'master'), 1);
    assert.equal(value('vrrp_transitions_total', 'VI_W', 'backup'), 1);
    assert.equal(value('vrrp_priority', 'VI_W', 'effective'), 1);
    assert.equal(value('vrrp_priority', 'VI_W', 'base'), 150);
    assert.equal(value('vrrp_priority', 'VI_W', 'master'), undefined, 'none heard yet');
  });

  it('writes only named families, no series twice', () => {
    const names = new Set(keepalived.metrics.map((m) => m.name));
    for (const f of output.families()) assert.ok(names.has(f.name), f.name);
    assert.equal(output.dropped().size, 0);
    assert.equal(value('vrrp_sync_group_members', 'G1'), 2);
    assert.equal(value('keepalived_dump_age_seconds'), 1.5);
  });
});

describe('keepalived: settings', () => {
  it('have defaults, and refuse what can be no path or signal', () => {
    const schema = blockSchema(keepalived);
    assert.partialDeepStrictEqual(schema.parse({}), { fifo: '/run/fourlane/keepalived.fifo', dumpEvery: 10_000, jsonSignal: 36 });
    for (const bad of [{ fifo: 'x' }, { pidFile: '/' }, { dumpFile: '/tmp/' }, { jsonSignal: 9 }, { dumpEvery: '10ms' }]) {
      assert.equal(schema.safeParse(bad).success, false, JSON.stringify(bad));
    }
  });
});
