import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brief, probe } from './harness.ts';

test('echo over IPv4 and IPv6, small and large', async () => {
  for (const ip of ['127.0.0.1', '::1']) {
    for (const size of [8, 56, 1400])
      assert.equal(brief(await probe('ping', { size }, 0, { ip })), 'ok match none 0', `${ip} ${size}`);
  }
});

test('echoes side by side do not take each other’s replies', async () => {
  const seen = await Promise.all(Array.from({ length: 20 }, (_, i) => probe('ping', {}, 0, { ip: `127.0.0.${i + 1}` })));
  assert.deepEqual([...new Set(seen.map((s) => s.outcome))], ['ok']);
});

test('nobody there', async () => {
  const seen = await probe('ping', {}, 0, { ip: '127.0.0.1', device: 'nosuch0' });
  assert.equal(brief(seen), 'netdown start errno 19');
});
