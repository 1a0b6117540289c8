/** Which rings of a process are read when there are more than are read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ordered } from '../../src/collect/dpdk/rings.ts';

test('when DPVS has more rings than are read, those that are filled for moments only are left out, and not missed', () => {
  const lcores = new Set(Array.from({ length: 40 }, (_, i) => i));
  const rings = [...lcores].flatMap((i) => [`arp_ring_c${i}`, `msg_ring_${i}`, `neigh_ring_c${i}`]);
  const all = [...rings, 'msg_ring_63', 'mine', 'kni_rx_ring_dpdk0.kni', 'log_ring_w1', 'dp_vs_redirect_ring[1[2]'];
  const read = ordered(all, lcores, 64);
  assert.equal(read.length, 64);
  assert.deepEqual(
    [read[0], read[1], read[41], read[42], read[43]],
    ['log_ring_w1', 'msg_ring_0', 'kni_rx_ring_dpdk0.kni', 'mine', 'dp_vs_redirect_ring[1[2]'],
  );
  assert.equal(ordered(all, undefined, 64).includes('msg_ring_63'), true, 'DPDK before 23.03 has no list of lcores');
  const many = Array.from({ length: 70 }, (_, i) => `queue_${i}`);
  assert.equal(ordered(many, lcores, 64).length, 70, 'these are missed: the reading reports how many there are');
});
