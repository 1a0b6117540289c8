/** Every rule of the edge with a case that has it; the healthy server has none. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EDGE_RULES, lintEdge } from '../../src/edge/lint/rules.ts';
import type { Edge, Seen } from '../../src/edge/lint/rule.ts';
import { parsePrefix } from '../../src/edge/prefix.ts';
import { AT_ETH2, AT_ETH3, edge, found, HEALTHY, LOCALS, session, SESSIONS, uplink } from './world.ts';

interface Case {
  readonly name: string;
  readonly edge?: Edge;
  readonly seen?: Seen;
  /** What must be found of the rule, whole; nothing: it must not be. */
  readonly has: readonly string[];
}

const eth2 = (announced: readonly string[], more = {}) => [session('eth2', '192.0.2.1', announced, more), SESSIONS[1]!];
const anchored = (ip: string) => ({
  nics: [
    {
      name: 'eth2',
      device: 'eth2',
      group: 'eth2',
      onFail: [],
      anchors: [{ id: ip, type: 'ping' as const, address: { family: 4 as const, ip, port: 0 } }],
    },
  ],
});

const CASES: Readonly<Record<string, readonly Case[]>> = {
  S01: [
    { name: 'twelve servers', edge: edge({ servers: 12 }), has: ['servers: 12 of 16 places are used'] },
    {
      name: 'cores and groups',
      edge: edge({ cores: 9, groups: { eth2: 0, eth3: 1, eth4: 2 } }),
      has: ['groups of a server: 3 of 4 places are used', 'cores of a group: 3 of 4 places are used'],
    },
  ],
  S02: [
    { name: 'too small', edge: edge({ pool: '10.0.0.0/25' }), has: ['10.0.0.0/25 has 128 addresses, the plan needs 256 (/24)'] },
    {
      name: 'too large',
      edge: edge({ pool: '10.0.0.0/23' }),
      has: ['10.0.0.0/23 has 512 addresses, the plan needs 256 (/24); 256 are not used'],
    },
  ],
  S03: [
    {
      name: 'the pool begins in the middle',
      edge: edge({ pool: '10.0.0.128/25' }),
      has: ["snat.pool: 10.0.0.128/25 is no prefix of the cluster's /24"],
    },
    {
      name: 'a VIP with host bits',
      edge: edge({}, { vips: ['203.0.113.1/26'] }),
      has: ['bgp.vips: 203.0.113.1/26 has host bits'],
    },
  ],
  S04: [
    { name: 'a VIP in the pool', edge: edge({}, { vips: ['10.0.0.240/28'] }), has: ['bgp.vips 10.0.0.240/28 is in 10.0.0.0/24'] },
    {
      name: 'an anchor in the pool',
      edge: edge({}, {}, anchored('10.0.0.1')),
      has: ['anchor 10.0.0.1 of eth2 is in 10.0.0.0/24'],
    },
    { name: 'an anchor beside it', edge: edge({}, {}, anchored('10.0.1.1')), has: [] },
    {
      name: 'a connected network',
      seen: { ...HEALTHY, connected: [{ prefix: parsePrefix('10.0.0.0/16')!, what: 'eth0' }] },
      has: ['eth0: 10.0.0.0/16 and 10.0.0.0/24 overlap'],
    },
    {
      name: 'two servers with one number',
      seen: { ...HEALTHY, members: [{ name: 'lb-09', server: 3, announced: ['10.0.0.0/24'] }] },
      has: ['lb-09 is server 3 too: both use 10.0.0.48/28'],
    },
  ],
  S05: [
    {
      name: 'only the cluster is announced',
      edge: edge({ announce: ['cluster'] }),
      has: [
        'group 0: 10.0.0.48 … 10.0.0.55 are in no announced prefix of server 3',
        'group 1: 10.0.0.56 … 10.0.0.63 are in no announced prefix of server 3',
      ],
    },
    { name: 'groups without the server', edge: edge({ announce: ['group', 'cluster'] }), has: [] },
  ],
  S06: [
    { name: 'no address at all', seen: { ...HEALTHY, locals: [] }, has: ['no local address is in 10.0.0.48/28'] },
    {
      name: 'one core lacks its own',
      seen: { ...HEALTHY, locals: LOCALS.slice(1) },
      has: ['worker 0 has no local address in 10.0.0.48/28'],
    },
    {
      name: 'addresses that all cores share',
      seen: { ...HEALTHY, locals: [{ address: '10.0.0.48', pool: true, services: 1 }] },
      has: [],
    },
  ],
  S07: [
    {
      name: "another server's address",
      seen: { ...HEALTHY, locals: [...LOCALS, { address: '10.0.0.64', core: 1, pool: true, services: 1 }] },
      has: ['10.0.0.64 is of another server of the cluster; this server has 10.0.0.48/28'],
    },
    {
      name: 'an address of nowhere',
      seen: { ...HEALTHY, locals: [...LOCALS, { address: '10.9.0.1', core: 1, pool: true, services: 1 }] },
      has: ['10.9.0.1 is not in the pool; this server has 10.0.0.48/28'],
    },
  ],
  S08: [
    {
      name: 'no pool and no service',
      seen: { ...HEALTHY, locals: [{ ...LOCALS[0]!, pool: false, services: 0 }, ...LOCALS.slice(1)] },
      has: ['10.0.0.48 has no pool of ports (sapool)', '10.0.0.48 is a local address of no service'],
    },
  ],
  S09: [
    {
      name: 'longer than planned',
      seen: { ...HEALTHY, sessions: eth2([...AT_ETH2, '10.0.0.48/30']) },
      has: ['10.0.0.48/30 is announced to 192.0.2.1 (eth2); lengths of the plan: /29, /28, /24'],
    },
    {
      name: 'shorter than planned',
      seen: { ...HEALTHY, sessions: eth2([...AT_ETH2, '10.0.0.32/27']) },
      has: ['10.0.0.32/27 is announced to 192.0.2.1 (eth2); lengths of the plan: /29, /28, /24'],
    },
  ],
  S10: [
    {
      name: 'filtered',
      seen: { ...HEALTHY, sessions: eth2(AT_ETH2.slice(1)) },
      has: ['10.0.0.48/29 (group) is not announced to 192.0.2.1 (eth2): the session is up'],
    },
    {
      name: 'no such session',
      seen: { ...HEALTHY, sessions: [SESSIONS[0]!] },
      has: ['10.0.0.56/29 (group)', '10.0.0.48/28 (server)', '10.0.0.0/24 (cluster)', '203.0.113.0/26 (vip)'].map(
        (what) => `${what} is not announced to 198.51.100.1 (eth3): there is no such session`,
      ),
    },
  ],
  S11: [
    {
      name: 'the default route of the other router',
      seen: { ...HEALTHY, sessions: eth2([...AT_ETH2, '0.0.0.0/0']) },
      has: ['0.0.0.0/0 is announced to 192.0.2.1 (eth2) and not planned'],
    },
    {
      name: "another server's prefix",
      seen: { ...HEALTHY, sessions: eth2([...AT_ETH2, '10.0.0.64/28']) },
      has: ['10.0.0.64/28 is announced to 192.0.2.1 (eth2) and not planned'],
    },
    {
      name: 'more than planned, without names',
      seen: { ...HEALTHY, sessions: eth2(AT_ETH2, { complete: false, count: 9 }) },
      has: ['5 prefixes more than planned are announced to 192.0.2.1 (eth2)'],
    },
    {
      name: 'a session on no NIC may carry what it likes',
      seen: { ...HEALTHY, sessions: [...SESSIONS, { ...session('', '10.255.0.1', ['0.0.0.0/0']), nic: undefined as never }] },
      has: [],
    },
  ],
  S12: [
    {
      name: 'the server prefix over one NIC only',
      seen: {
        ...HEALTHY,
        sessions: [SESSIONS[0]!, session('eth3', '198.51.100.1', ['10.0.0.56/29', '10.0.0.0/24', '203.0.113.0/26'])],
      },
      has: ['group 0: without eth2, nothing leads to 10.0.0.48/28'],
    },
    {
      name: 'the other session is down',
      seen: { ...HEALTHY, sessions: [SESSIONS[0]!, session('eth3', '198.51.100.1', [], { up: false })] },
      has: ['group 0: without eth2, nothing leads to 10.0.0.48/28'],
    },
  ],
  S13: [
    {
      name: 'alone',
      seen: { ...HEALTHY, members: [{ name: 'lb-04', announced: ['10.0.0.64/28'] }] },
      has: ['10.0.0.0/24 is announced by no other server; known: lb-04'],
    },
    {
      name: 'the cluster is not announced here',
      edge: edge({ announce: ['group', 'server'] }),
      seen: { ...HEALTHY, members: [] },
      has: [],
    },
  ],
  S14: [
    { name: 'sync off', seen: { ...HEALTHY, sync: 'off' }, has: ['10.0.0.0/24 is announced and session sync is off'] },
    {
      name: 'the cluster is not announced here',
      edge: edge({ announce: ['group', 'server'] }),
      seen: { ...HEALTHY, sync: 'off' },
      has: [],
    },
  ],
  S15: [
    {
      name: 'no routes',
      seen: { ...HEALTHY, blackholes: [] },
      has: ['there is no blackhole route to 10.0.0.48/28', 'there is no blackhole route to 10.0.0.0/24'],
    },
  ],
  S16: [
    {
      name: 'the group of eth3 over eth2',
      seen: { ...HEALTHY, sessions: eth2([...AT_ETH2, '10.0.0.56/29']) },
      has: ['10.0.0.56/29 is announced to 192.0.2.1 (eth2) and belongs to another NIC'],
    },
    {
      name: 'over a second session of the NIC, which is no uplink',
      seen: { ...HEALTHY, sessions: [...SESSIONS, session('eth2', 'fd00::1', AT_ETH3.slice(0, 1), { families: ['ipv6'] })] },
      has: ['10.0.0.56/29 is announced to fd00::1 (eth2) and belongs to another NIC'],
    },
  ],
  S17: [
    {
      name: 'four of five',
      edge: edge({}, { uplinks: [uplink('eth2', '192.0.2.1', { peerMaxPrefix: 5 }), uplink('eth3', '198.51.100.1')] }),
      has: ['4 prefixes are announced to 192.0.2.1, which takes 5'],
    },
    {
      name: 'four of six',
      edge: edge({}, { uplinks: [uplink('eth2', '192.0.2.1', { peerMaxPrefix: 6 }), uplink('eth3', '198.51.100.1')] }),
      has: [],
    },
  ],
  S18: [
    {
      name: 'IPv4 over an IPv6 session',
      seen: { ...HEALTHY, sessions: [...SESSIONS, session('eth2', 'fd00::1', [], { families: ['ipv4', 'ipv6'] })] },
      has: ['fd00::1 (eth2) carries ipv4; planned: ipv6'],
    },
    {
      name: 'an unnumbered session may carry both',
      seen: { ...HEALTHY, sessions: [...SESSIONS, session('eth2', 'eth2', [], { families: ['ipv4', 'ipv6'] })] },
      has: [],
    },
  ],
};

describe('rules of the edge', () => {
  it('find nothing at a healthy server', () => {
    const report = lintEdge(edge(), HEALTHY);
    assert.deepEqual(report.findings, []);
    assert.deepEqual([...report.skipped], []);
  });

  it('are S01 to S18, each with cases here', () => {
    const codes = [...new Set(EDGE_RULES.map((rule) => rule.code))];
    assert.deepEqual(
      codes,
      Array.from({ length: 18 }, (_, i) => `S${String(i + 1).padStart(2, '0')}`),
    );
    assert.deepEqual(Object.keys(CASES), codes);
  });

  for (const [code, cases] of Object.entries(CASES)) {
    for (const { name, edge: one = edge(), seen = HEALTHY, has } of cases) {
      it(`${code}: ${name}`, () => {
        const mine = found(one, seen).filter((line) => line.startsWith(`${code}: `));
        assert.deepEqual(
          mine,
          has.map((message) => `${code}: ${message}`),
        );
      });
    }
  }

  it('that lack what they look at are named', () => {
    const { skipped } = lintEdge(edge(), { sessions: SESSIONS });
    assert.deepEqual([...skipped.keys()], ['S04', 'S06', 'S07', 'S08', 'S13', 'S14', 'S15']);
    assert.deepEqual(skipped.get('S06'), ['locals', 'workers']);
  });

  it('a pool that is too large is only told', () => {
    const levels = lintEdge(edge({ pool: '10.0.0.0/23' }), {}).findings.map(({ code, level }) => `${code} ${level}`);
    assert.deepEqual(levels, ['S02 info']);
  });
});
