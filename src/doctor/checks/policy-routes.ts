/**
 * A probe is bound to its NIC; it reaches a real server behind a router only if a table has a route by that NIC. Without one the
 * kernel takes the real server for a neighbour on the link. And a packet from the NIC's address leaves by whatever NIC the main
 * table prefers, unless a rule sends it to a table of its own.
 */
import type { Check, Finding } from '../check.ts';
import type { Host } from '../host.ts';
import { type DeviceAddress, inSubnet, routesBy, rules } from '../net.ts';
import { type NicPaths, nicPaths } from '../paths.ts';

export const policyRoutes: Check = {
  name: 'policy_routes',
  roles: ['load-balancer'],
  summary: 'every NIC has its own way to the real servers',
  async run({ host, config: { plan } }) {
    if (plan === undefined) return [{ outcome: 'skipped', message: 'needs the NICs of a configuration' }];
    const nics = await nicPaths(host, plan);
    if (nics.length === 0) return [{ outcome: 'skipped', message: 'there are no real servers' }];
    return Promise.all(nics.map((nic) => judge(host, nic, plan.nics.length)));
  },
};

async function judge(host: Host, nicPaths: NicPaths, nics: number): Promise<Finding> {
  const { nic, family, address, paths, of } = nicPaths;
  const subject = `${nic.name} IPv${family}`;
  if (address === undefined) {
    if ((await host.read(`/sys/class/net/${nic.device}/ifindex`)) === undefined) {
      return {
        outcome: 'fail',
        subject,
        message: `there is no device ${nic.device}`,
        fix: 'ip -br link   # then correct nics[].device',
      };
    }
    const message = `${nic.device} has no IPv${family} address: real servers of that family are not probed through it`;
    return { outcome: 'fail', subject, message, fix: `ip address add ${nic.source ?? 'ADDRESS'}/PREFIX dev ${nic.device}` };
  }
  const looked = `${paths.length} of ${of} real servers looked up`;
  const missing = paths.find((path) => path.bound === undefined);
  if (missing !== undefined) {
    const message = `no route to ${missing.to} by ${nic.device}: probes through it do not arrive`;
    return { outcome: 'fail', subject, message, fix: await remedy(host, nicPaths, address) };
  }
  const astray = paths.find((path) => path.unbound !== nic.device);
  if (astray !== undefined && nics > 1) {
    const leave = `leave by ${astray.unbound ?? 'no device'} unless bound to ${nic.device}`;
    const message = `packets from ${address.ip} to ${astray.to} ${leave}`;
    return { outcome: 'warn', subject, message, fix: await remedy(host, nicPaths, address) };
  }
  return { outcome: 'ok', subject, message: `routes by ${nic.device}, from ${address.ip} too; ${looked}` };
}

/**
 * A table of its own for the NIC: its subnet, a default route, and an end, so that nothing leaves by another NIC when this one is
 * down. One rule for packets from its address, one for sockets bound to it.
 */
async function remedy(host: Host, { nic, index, family }: NicPaths, address: DeviceAddress): Promise<string> {
  const { device } = nic;
  const [there, main] = await Promise.all([rules(host, family), routesBy(host, family, device)]);
  const from = there.find((r) => r.src === address.ip)?.table;
  const table = from ?? String(1001 + index);
  const anchor = nic.anchors.find((anchor) => anchor.address.family === family && inSubnet(address, anchor.address.ip))?.address
    .ip;
  const gateway = anchor ?? main.find((r) => r.gateway !== undefined)?.gateway ?? 'GATEWAY';
  const subnet = main.find((r) => r.gateway === undefined && r.dst.endsWith(`/${address.prefix}`))?.dst;
  const route = `ip -${family} route replace`;
  const rule = `ip -${family} rule add`;
  return [
    ...(subnet === undefined ? [] : [`${route} ${subnet} dev ${device} src ${address.ip} table ${table}`]),
    `${route} default via ${gateway} dev ${device} table ${table}`,
    `${route} unreachable default metric 9999 table ${table}`,
    ...(from === undefined ? [`${rule} from ${address.ip} lookup ${table} priority ${table}`] : []),
    ...(there.some((r) => r.oif === device && r.table === table)
      ? []
      : [`${rule} oif ${device} lookup ${table} priority ${table}`]),
  ].join(' && ');
}
