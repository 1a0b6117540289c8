import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routingEvidence } from '../../src/collect/bgp/evidence.ts';
import type { BgpData } from '../../src/collect/bgp/data.ts';
import type { SessionState } from '../../src/routing/session.ts';

/** Sessions as `NIC peer state BFD`; `-`: no NIC, or no BFD. */
function shown(...rows: readonly string[]) {
  const all = rows.map((row) => row.split(' ') as [string, string, SessionState, string]);
  const sessions = all.map(([nic, peer, state]) => ({
    vrf: 'default',
    peer,
    state,
    families: [],
    ...(nic === '-' ? {} : { nic }),
  }));
  const bfd = all
    .filter(([, , , path]) => path !== '-')
    .map(([, peer, , path]) => ({ vrf: 'default', peer, state: path, up: path === 'up' }));
  const up = [{ daemon: 'bgpd', sessions, bfd, announced: new Map(), complete: new Set(), routes: 0, bfdDaemon: true }];
  return routingEvidence({ up } as unknown as BgpData).routing;
}

describe('evidence of routing daemons', () => {
  it('is one entry for each NIC with sessions', () => {
    assert.deepEqual(shown('eth2 192.0.2.1 established up', 'eth3 198.51.100.1 active down', '- 10.0.0.1 established up'), [
      { nic: 'eth2', session: 1, bfd: 1 },
      { nic: 'eth3', session: 0, bfd: 0 },
    ]);
    assert.deepEqual(shown('eth2 192.0.2.1 established -'), [{ nic: 'eth2', session: 1 }]);
  });

  it('a dead path under an established session counts more than another one that is well', () => {
    assert.deepEqual(shown('eth2 192.0.2.1 established init', 'eth2 fd00::1 established up'), [
      { nic: 'eth2', session: 1, bfd: 0 },
    ]);
    assert.deepEqual(shown('eth2 192.0.2.1 connect down', 'eth2 fd00::1 established up'), [{ nic: 'eth2', session: 1, bfd: 1 }]);
  });

  it('what is shut here shows nothing of the path', () => {
    assert.deepEqual(shown('eth2 192.0.2.1 admin_down down'), []);
  });
});
