/** Weights by which evidence moves the master, and the lines that say so. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readConfig } from '../../src/keepalived/config/config.ts';
import { indented, instance } from '../../src/keepalived/lint/examples.ts';
import { lint } from '../../src/keepalived/lint/lint.ts';
import { additionsTo, type Wish } from '../../src/keepalived/steer/additions.ts';
import { isEmpty, merged, snippetText } from '../../src/keepalived/steer/snippet.ts';
import { weightsFor } from '../../src/keepalived/steer/weights.ts';

const clamp = (priority: number) => Math.min(254, Math.max(1, priority));

describe('weights', () => {
  it('the better node has the higher priority, whatever has happened to both, and equals stay as configured', () => {
    const priority = fc.integer({ min: 1, max: 254 });
    const faults = fc.record({ nics: fc.nat(3), isolated: fc.boolean() });
    fc.assert(
      fc.property(priority, priority, fc.nat(3), faults, faults, (own, peer, mostNics, here, there) => {
        const weights = weightsFor([{ own, peer, mostNics }]);
        if (weights === undefined) return;
        const cost = (f: typeof here) => Math.min(f.nics, mostNics) * weights.nic + (f.isolated ? weights.isolated : 0);
        const ahead = clamp(own - cost(here)) - clamp(peer - cost(there));
        const expected = cost(here) === cost(there) ? own - peer : cost(there) - cost(here);
        assert.equal(Math.sign(ahead), Math.sign(expected), JSON.stringify(weights));
      }),
      { numRuns: 2000 },
    );
  });

  for (const [own, peer, mostNics, nic, isolated, order] of [
    [101, 100, 1, 2, 4, 'isolation first'],
    [100, 101, 1, 2, 4, 'isolation first'],
    [100, 100, 4, 1, 5, 'isolation first'],
    [150, 100, 1, 51, 51, 'all alike'],
    [150, 100, 0, 51, 51, 'isolation first'],
  ] as const)
    it(`${own} and ${peer}, ${mostNics} NICs: ${nic} for a NIC, ${isolated} for an isolation`, () => {
      assert.deepEqual(weightsFor([{ own, peer, mostNics }]), { nic, isolated, order });
    });

  it('there are none for priorities that are too far apart or too low, and those of a group fit all of it', () => {
    assert.equal(weightsFor([{ own: 254, peer: 100, mostNics: 1 }]), undefined);
    assert.equal(weightsFor([{ own: 2, peer: 1, mostNics: 1 }]), undefined);
    const pairs = [101, 105].map((own) => ({ own, peer: 100, mostNics: 1 }));
    assert.deepEqual(weightsFor(pairs), { nic: 6, isolated: 12, order: 'isolation first' });
  });
});

const EVIDENCE = [
  { nic: 'eth2', path: '/run/fourlane/eth2' },
  { nic: 'eth3', path: '/run/fourlane/eth 3' },
  { nic: '', path: '/run/fourlane/isolated' },
];
const WISH: Wish = { evidence: EVIDENCE, mostNics: 1, peerOf: () => 99, fifo: '/run/fifo' };
const tell = (text: string, wish = WISH) => {
  const config = readConfig('k.conf', text);
  const additions = additionsTo(config, wish);
  return { additions, text: snippetText(config, additions), result: merged(config, additions).get('k.conf') ?? text };
};
const codes = (text: string) => lint([{ path: 'k.conf', text }]).map(({ rule }) => rule.code);

describe('the snippet', () => {
  it('is put into place without a mistake, and then there is nothing left to add', () => {
    const source = `global_defs {\n  router_id a\n}\n${instance()}`;
    const first = tell(source);
    assert.deepEqual(codes(first.result), codes(source));
    assert.match(
      first.result,
      /router_id a\n {4}script_user root\n {4}vrrp_notify_fifo \/run\/fifo\n\}\ntrack_file fourlane_eth2/,
    );
    assert.match(first.result, /file "\/run\/fourlane\/eth 3"\n/);
    assert.match(first.text, /fourlane_eth2 weight -2\n {8}fourlane_eth3 weight -2\n {8}fourlane_isolated weight -4\n/);
    const again = tell(first.result);
    assert.equal(isEmpty(again.additions), true);
    assert.equal(again.result, first.result);
  });

  it('goes around what stands on one line, and makes global_defs where there are none', () => {
    const { result } = tell(
      `vrrp_instance A { \n${indented(['state BACKUP', 'interface eth0', 'virtual_router_id 5'])}  priority 100 }\n`,
    );
    const { instances, globals, tree } = readConfig('k.conf', result);
    assert.deepEqual(
      tree.problems.map(({ code }) => code),
      [],
    );
    assert.deepEqual([instances[0]!.tracks.length, instances[0]!.priority, globals.length], [3, 100, 1]);
  });

  it('uses definitions that are there, and adds no FIFO beside another', () => {
    const source = `global_defs {\n  notify_fifo /run/own\n}\ntrack_file mine {\n  file /run/fourlane/eth2\n}\n${instance()}`;
    const { additions, text } = tell(source);
    assert.deepEqual(additions.globals, []);
    assert.deepEqual(
      additions.definitions.map(({ name }) => name),
      ['fourlane_eth3', 'fourlane_isolated'],
    );
    assert.match(text, /\bmine weight -2\n/);
  });

  it('tracks in the group, where keepalived heeds weights, with weights for all of its members', () => {
    const pair =
      instance({ set: { priority: '101' } }) + instance({ name: 'VI_2', set: { virtual_router_id: '52', priority: '105' } });
    const source = `${pair}vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n  }\n}\n`;
    const { additions, result } = tell(source, { ...WISH, peerOf: () => 100 });
    assert.deepEqual(
      additions.trackings.map(({ kind, name, lines }) => [kind, name, ...lines.map(({ weight }) => weight)]),
      [['vrrp_sync_group', 'G', -6, -6, -12]],
    );
    assert.deepEqual(codes(result), codes(source));
  });

  it('with nopreempt an isolation is a fault and NICs are left out; priority 255 and priorities far apart are refused', () => {
    const weights = (set: Record<string, string>) =>
      tell(instance({ set })).additions.trackings.map(({ lines, unsolved, remarks: [remark = ''] }) => [
        lines.map(({ name, weight }) => `${name} ${weight}`).join(),
        unsolved,
        remark.replace(/[,:].*/, ''),
      ]);
    assert.deepEqual(weights({ nopreempt: '' }), [['fourlane_isolated 0', false, 'VI_1 has nopreempt']]);
    assert.deepEqual(weights({ state: 'MASTER', priority: '255' }), [['', true, 'VI_1 has priority 255']]);
    assert.deepEqual(weights({ priority: '240' }), [
      ['', true, 'The priorities 240 here and 99 on the other node are too far apart'],
    ]);
  });
});
