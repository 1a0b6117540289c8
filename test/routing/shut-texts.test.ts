import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeShutTexts } from '../../src/routing/frr/decode.ts';
import { plainShutText } from '../../src/routing/speaker.ts';

const RUNNING = `frr version 8.4.4
ip prefix-list own permit 0.0.0.0/0
!
router bgp 65101
 neighbor 192.0.2.1 remote-as 65001
 neighbor 192.0.2.1 shutdown message fourlane lb-01: eth2 NIC_FAIL link
 neighbor 192.0.2.2 shutdown
 address-family ipv4 unicast
  neighbor 192.0.2.1 activate
 exit-address-family
exit
!
router bgp 65101 vrf red
 neighbor eth3 shutdown message maintenance 4711
exit
!
route-map x permit 1
 neighbor 192.0.2.9 shutdown message no session
exit
`;

describe('texts of shutdowns in the configuration of FRR', () => {
  it('belong to the session of their router bgp', () => {
    assert.deepEqual(
      [...decodeShutTexts(RUNNING)],
      [
        ['default 192.0.2.1', 'fourlane lb-01: eth2 NIC_FAIL link'],
        ['red eth3', 'maintenance 4711'],
      ],
    );
  });

  it('are made of characters that no daemon takes for something else, and fit into a NOTIFICATION', () => {
    assert.equal(plainShutText('fourlane lb"01\\n; drop: ü x'), 'fourlane lb 01 n drop: x');
    assert.equal(plainShutText(`fourlane ${'x'.repeat(200)}`).length, 128);
  });
});
