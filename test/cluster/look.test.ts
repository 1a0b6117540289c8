/** The whole cluster for whoever looks: read, counted, named, and cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contents } from '../../src/cluster/api/contents.ts';
import { publish } from '../../src/cluster/api/publish.ts';
import { encodeEvidence, rootPrefix } from '../../src/cluster/evidence/evidence.ts';
import { keyOf } from '../../src/cluster/keys.ts';
import { fleetStatus } from '../../src/cluster/look/fleet-status.ts';
import { AT, calendar } from './fleet-model.ts';
import { MemoryStore } from './memory-store.ts';

const ADDRESSES = Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}:80`);
const LOOKING = { now: Date.parse(AT), clock: 1000, since: new Map(), calendar };

async function cluster(servers: number) {
  const store = new MemoryStore();
  const web = { name: 'web', vip: '10.9.0.1:80', realServers: ADDRESSES };
  const wish = { cluster: 'edge', author: 'ada@ops', at: AT, reason: 'first', parent: null };
  const release = await publish(store, { services: new Map([['web', web]]), base: {} }, wish);
  store.put('target', ['rest'], { release: release.n, root: release.root });
  for (let i = 0; i < servers; i++) {
    store.put('roster', [`lb-${i}`], { ring: 'rest' });
    store.put('member', [`lb-${i}`], { boot: 'b', version: '0.1.0', addresses: [], ready: true });
  }
  const says = (server: string, bad: readonly number[], more = {}) =>
    store.raw(
      keyOf('evidence', 0, server),
      encodeEvidence({ root: rootPrefix(release.root), epoch: 1, frozen: false, blind: false, length: 300, bad, ...more }),
    );
  return { store, says, look: () => fleetStatus({ cluster: 'edge', store, contents: new Contents(store), looking: LOOKING }) };
}

test('who finds which real server down, by name, out of those who can tell', async () => {
  const { says, look } = await cluster(5);
  const sorted = ADDRESSES.toSorted();
  says('lb-0', [3, 7]);
  says('lb-1', [3]);
  says('lb-2', []);
  says('lb-3', [], { frozen: true });
  const { down, servers, more } = await look();
  assert.deepEqual(down, [
    { realServer: sorted[3], by: ['lb-0', 'lb-1'], witnesses: 3 },
    { realServer: sorted[7], by: ['lb-0'], witnesses: 3 },
  ]);
  assert.deepEqual([servers.length, more], [5, {}]);
});

test('damaged keys hide nothing, however many; what is cut is counted', async () => {
  const { store, says, look } = await cluster(40);
  const all = Array.from({ length: 300 }, (_, i) => i);
  for (let i = 0; i < 40; i++) says(`lb-${i}`, all);
  for (let i = 0; i < 500; i++) store.raw(keyOf('maintenance', `m${i}`), Buffer.from('{"by":'));
  store.raw(keyOf('applied', 'lb-1'), Buffer.from('[]'));
  const { down, problems, servers, more } = await look();
  assert.equal(servers.length, 40);
  assert.deepEqual([down.length, problems.length, more['down'], more['problems']], [200, 200, 100, 301]);
  assert.deepEqual([down[0]!.by.length, more[`by ${down[0]!.realServer}`], down[0]!.witnesses], [32, 8, 40]);
});
