/** What is printed for daemons. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGURATION, wantedOf } from '../../src/edge/configure.ts';
import { serverPlan, shapeOf, snatPlan } from '../../src/edge/snat-plan.ts';
import type { BgpSettings, SnatSettings } from '../../src/model/plan.ts';
import { config, uplink } from './world.ts';

function wanted(snat: Partial<SnatSettings> = {}, bgp: Partial<BgpSettings> = {}) {
  const plan = config(snat, bgp);
  return wantedOf(plan, serverPlan(snatPlan(shapeOf(plan.snat!)), plan.snat!.server), '65103');
}

test('FRR: a blackhole route for each prefix, and a filter for each router', () => {
  const text = CONFIGURATION.frr(wanted());
  assert.match(text, /^ip route 10\.0\.0\.48\/28 blackhole$/m);
  assert.doesNotMatch(text, /ip route 203/, 'VIPs come from elsewhere');
  assert.match(text, /^ip prefix-list FOURLANE-192_0_2_1-ipv4 seq 5 permit 10\.0\.0\.48\/29$/m);
  assert.doesNotMatch(text, /FOURLANE-192_0_2_1-ipv4 .*10\.0\.0\.56/);
  assert.match(
    text,
    /^router bgp 65103\n no bgp default ipv4-unicast\n address-family ipv4 unicast\n {2}network 10\.0\.0\.48\/29$/m,
  );
  assert.match(text, /^ {2}neighbor 198\.51\.100\.1 prefix-list FOURLANE-198_51_100_1-ipv4 out$/m);
});

test('FRR: VRFs have routers of their own, and a session that gets nothing is filtered all the same', () => {
  const uplinks = [uplink('eth2', 'fd00::1', { families: ['ipv6'], vrf: 'red' }), uplink('eth3', '198.51.100.1')];
  const text = CONFIGURATION.frr(wanted({}, { uplinks }));
  assert.match(text, /^ipv6 prefix-list FOURLANE-fd00__1-ipv6 seq 5 deny any$/m);
  assert.match(text, /^router bgp 65103 vrf red$/m);
  assert.match(text, /^router bgp 65103$/m);
});

test('BIRD: one filter for each neighbour; one without prefixes rejects all', () => {
  const text = CONFIGURATION.bird(wanted({}, { uplinks: [uplink('eth2', '192.0.2.1', { families: ['ipv4', 'ipv6'] })] }));
  const nets = ['10.0.0.48/29', '10.0.0.48/28', '10.0.0.0/24', '203.0.113.0/26'].join(', ');
  assert.ok(
    text.includes(`filter fourlane_192_0_2_1_ipv4 {
  if net ~ [ ${nets} ] then accept;
  reject;
}`),
    text,
  );
  assert.match(text, /filter fourlane_192_0_2_1_ipv6 \{\n {2}reject;\n\}/);
});

test('DPVS: each address on the port of its group', () => {
  const text = CONFIGURATION.dpvs(wanted());
  assert.match(text, /^dpip addr add 10\.0\.0\.55\/32 dev dpdk0 sapool # core 7$/m);
  assert.match(text, /^ipvsadm --add-laddr -z 10\.0\.0\.56 -t VIP:PORT -F dpdk1$/m);
  assert.match(CONFIGURATION.dpvs(wanted({ pool: 'fd64::/120' })), /^dpip addr add fd64::30\/128 dev dpdk0 sapool # core 0$/m);
});
