/**
 * Load balancers in namespaces of their own, each with a way to etcd and one to the real servers, which are addresses of this
 * network behind a gateway; and faults of one load balancer's way, or of everybody's. It ends with the network of the test.
 */
import { run } from '../../src/lab/netns.ts';

/** Also the anchor of each load balancer's NIC: it answers whatever happens behind it. */
export const GATEWAY = '10.98.0.254';
const REAL_SERVERS = '10.97.0.0/16';
const ETCD_BRIDGE = 'etcdbr';

/** Address of a load balancer's NIC, and where its HTTP is reached. */
export const nicOf = (n: number) => `10.98.0.${n}`;
export const webOf = (n: number) => `10.99.0.${100 + n}`;
/** Address of a real server. */
export const realServerOf = (rack: number, k: number) => `10.97.${rack}.${k}`;

/** After etcd's network is there. @param real addresses of real servers */
export function makeNetwork(loadBalancers: readonly string[], real: readonly string[]): void {
  run(['ip', 'link', 'add', 'data', 'type', 'bridge']);
  run(['ip', 'address', 'add', `${GATEWAY}/24`, 'dev', 'data']);
  run(['ip', 'link', 'set', 'data', 'up']);
  for (const address of real) run(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo']);
  for (const [k, name] of loadBalancers.entries()) {
    const n = k + 1;
    run(['ip', 'netns', 'add', name]);
    for (const [device, bridge, address] of [
      ['eth2', 'data', nicOf(n)],
      ['mgmt', ETCD_BRIDGE, webOf(n)],
    ] as const) {
      run(['ip', 'link', 'add', `${device}-${n}`, 'type', 'veth', 'peer', 'name', device, 'netns', name]);
      run(['ip', 'link', 'set', `${device}-${n}`, 'master', bridge, 'up']);
      run(['ip', '-n', name, 'address', 'add', `${address}/24`, 'dev', device]);
    }
    for (const device of ['eth2', 'mgmt', 'lo']) run(['ip', '-n', name, 'link', 'set', device, 'up']);
    run(['ip', '-n', name, 'route', 'add', REAL_SERVERS, 'via', GATEWAY]);
  }
}

/** What is dropped from now on, and nothing else: packets of a NIC (of anybody where left out) to these addresses. */
export function drop(faults: readonly { readonly from?: string; readonly to: string }[]): void {
  const rules = faults.map(({ from, to }) => `${from === undefined ? '' : `ip saddr ${from} `}ip daddr ${to} drop`);
  const chain = `chain input {\n type filter hook input priority 0;\n ${rules.join('\n ')}\n}`;
  run(['nft', '-f', '-'], `table inet faults\ndelete table inet faults\ntable inet faults {\n${chain}\n}\n`);
}

export const ALL_REAL_SERVERS = REAL_SERVERS;
