/** A configuration with a SNAT plan, and what a healthy server of it shows. */
import { edgeOf, lintEdge } from '../../src/edge/lint/rules.ts';
import type { Edge, Seen, SessionSeen } from '../../src/edge/lint/rule.ts';
import { parsePrefix } from '../../src/edge/prefix.ts';
import type { BgpSettings, Plan, SnatSettings, Uplink } from '../../src/model/plan.ts';

export const SNAT: SnatSettings = {
  pool: '10.0.0.0/24',
  servers: 16,
  cores: 16,
  server: 3,
  groups: { eth2: 0, eth3: 1 },
  announce: ['group', 'server', 'cluster'],
};

export const uplink = (nic: string, peer: string, more: Partial<Uplink> = {}): Uplink => ({
  nic,
  peer,
  vrf: 'default',
  families: ['ipv4'],
  ...more,
});

export const BGP: BgpSettings = {
  uplinks: [uplink('eth2', '192.0.2.1'), uplink('eth3', '198.51.100.1')],
  vips: ['203.0.113.0/26'],
};

type Config = Pick<Plan, 'snat' | 'bgp' | 'nics' | 'services' | 'targets'>;

/** A plan with these two keys and nothing else. */
export function config(
  snat: Partial<SnatSettings> = {},
  bgp: Partial<BgpSettings> = {},
): Config & { readonly nics: Plan['nics'] } {
  const nics = ['eth2', 'eth3'].map((name, i) => ({
    name,
    device: name,
    group: name,
    anchors: [],
    dataplane: `dpdk${i}`,
    onFail: [],
  }));
  return { snat: { ...SNAT, ...snat }, bgp: { ...BGP, ...bgp }, nics, services: [], targets: [] };
}

export function edge(snat: Partial<SnatSettings> = {}, bgp: Partial<BgpSettings> = {}, more: Partial<Config> = {}): Edge {
  return edgeOf({ ...config(snat, bgp), ...more })!;
}

/** A session that is up and announces this. */
export function session(nic: string, peer: string, announced: readonly string[], more: Partial<SessionSeen> = {}): SessionSeen {
  return { vrf: 'default', peer, nic, up: true, families: ['ipv4'], announced, complete: true, count: announced.length, ...more };
}

const SHARED = ['10.0.0.48/28', '10.0.0.0/24', '203.0.113.0/26'];
export const AT_ETH2 = ['10.0.0.48/29', ...SHARED];
export const AT_ETH3 = ['10.0.0.56/29', ...SHARED];
export const SESSIONS = [session('eth2', '192.0.2.1', AT_ETH2), session('eth3', '198.51.100.1', AT_ETH3)];

/** One local address for each core. */
export const LOCALS = Array.from({ length: 16 }, (_, core) => ({
  address: `10.0.0.${48 + core}`,
  core,
  pool: true,
  services: 1,
}));

/** A server in order: nothing is to be found. */
export const HEALTHY: Required<Seen> = {
  connected: [{ prefix: parsePrefix('192.0.2.0/30')!, what: 'eth2' }],
  locals: LOCALS,
  workers: LOCALS.map(({ core }) => core),
  sessions: SESSIONS,
  blackholes: [parsePrefix('10.0.0.48/28')!, parsePrefix('10.0.0.0/24')!],
  members: [{ name: 'lb-04', server: 4, announced: ['10.0.0.64/28', '10.0.0.0/24'] }],
  sync: 'complete',
};

/** What is found, as `code: message`. */
export function found(one: Edge, seen: Seen): string[] {
  return lintEdge(one, seen).findings.map(({ code, message }) => `${code}: ${message}`);
}
