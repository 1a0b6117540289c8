import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Switchboard } from '../../src/lab/switchboard.ts';

const board = () =>
  new Switchboard([
    { name: 'web', nics: ['eth1'], realServers: ['10.0.0.1:80', '10.0.0.2:80'] },
    { name: 'all', nics: ['eth1', 'eth2'], realServers: ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80'] },
  ]);
const send = (b: Switchboard, ...effects: object[]) => b.apply({ version: 1, effects }, 5);
const spread = (b: Switchboard, service: string, n: number) => {
  const seen: Record<string, number> = {};
  for (let k = 0; k < n; k++) {
    const c = b.choose(service);
    const key = c === undefined ? 'none' : `${c.nic} ${c.rs}`;
    seen[key] = (seen[key] ?? 0) + 1;
  }
  return seen;
};

test('everything enabled: NICs and real servers share evenly', () => {
  const seen = spread(board(), 'all', 60);
  assert.deepEqual(Object.values(seen), [10, 10, 10, 10, 10, 10]);
});

test('a disabled slice takes the service off that NIC only, and off that service only', () => {
  const b = board();
  send(b, { kind: 'slice', service: 'all', nic: 'eth1', state: 'disabled' });
  assert.ok(Object.keys(spread(b, 'all', 12)).every((k) => k.startsWith('eth2')));
  assert.deepEqual(Object.keys(spread(b, 'web', 12)).sort(), ['eth1 10.0.0.1:80', 'eth1 10.0.0.2:80']);
});

test('weight 0 takes a real server out of every slice of the service; part weight takes its share', () => {
  const b = board();
  send(b, { kind: 'realServer', service: 'all', realServer: '10.0.0.1:80', state: 'disabled', weight: 0 });
  assert.ok(Object.keys(spread(b, 'all', 12)).every((k) => !k.endsWith('10.0.0.1:80')));
  send(b, { kind: 'realServer', service: 'all', realServer: '10.0.0.1:80', state: 'enabled', weight: 50 });
  const seen = spread(b, 'all', 100);
  const share = (seen['eth1 10.0.0.1:80'] ?? 0) + (seen['eth2 10.0.0.1:80'] ?? 0);
  assert.ok(share >= 18 && share <= 22, `${share} of 100, 20 expected`);
});

test('a disabled path takes a real server off one NIC only', () => {
  const b = board();
  send(b, { kind: 'path', service: 'all', nic: 'eth1', realServer: '10.0.0.2:80', state: 'disabled' });
  const seen = spread(b, 'all', 60);
  assert.equal(seen['eth1 10.0.0.2:80'], undefined);
  assert.equal(seen['eth2 10.0.0.2:80'], 10);
});

test('nothing enabled: no choice', () => {
  const b = board();
  send(b, { kind: 'slice', service: 'web', nic: 'eth1', state: 'disabled' });
  assert.equal(b.choose('web'), undefined);
});

test('a re-announcement changes nothing; a real change is reported once', () => {
  const b = board();
  const off = { kind: 'slice', service: 'web', nic: 'eth1', state: 'disabled' };
  assert.deepEqual(send(b, { ...off, state: 'enabled' }), []);
  assert.deepEqual(send(b, off, off), [{ t: 5, kind: 'slice', service: 'web', nic: 'eth1', state: 0, weight: 0 }]);
  assert.deepEqual(send(b, off), []);
  assert.deepEqual(b.state().reduced, { 'slice web eth1': 0 });
});

test('a body it does not understand is refused whole', () => {
  const b = board();
  const off = { kind: 'slice', service: 'web', nic: 'eth1', state: 'disabled' };
  const wrong = [
    { ...off, service: 'nope' },
    { ...off, kind: 'vip' },
    { ...off, state: 'failed' },
    { ...off, nic: 'eth2' },
    { ...off, kind: 'path', realServer: '10.0.0.3:80' },
    { kind: 'realServer', service: 'web', realServer: '10.0.0.1:80', state: 'disabled' },
  ];
  for (const w of wrong) assert.throws(() => send(b, off, w), /effect with/, JSON.stringify(w));
  assert.throws(() => b.apply([], 5), /no list of effects/);
  assert.deepEqual(b.state().reduced, {});
});
