/**
 * With direct routing every real server has the VIP too, and must not answer ARP for it, nor announce it to others: else the
 * router sends everything to one real server, past the load balancer. What holds is the larger of a device's own value and of
 * `all`.
 */
import type { Check, Examination, Finding } from '../check.ts';

const WANTED = { arp_ignore: { ok: ['1', '2'], set: 1 }, arp_announce: { ok: ['2'], set: 2 } } as const;

export const arp: Check = {
  name: 'arp',
  roles: ['load-balancer', 'real-server'],
  summary: 'real servers behind direct routing keep quiet about the VIP (arp_ignore, arp_announce)',
  run: (examination) => (examination.role === 'real-server' ? onRealServer(examination) : fromLoadBalancer(examination)),
};

/** From the load balancer only whether it matters can be seen. */
async function fromLoadBalancer({ host, config: { plan } }: Examination): Promise<readonly Finding[]> {
  const table = await host.read('/proc/net/ip_vs');
  if (table === undefined || !/^ {2}-> \S+ +Route /m.test(table)) {
    return [{ outcome: 'skipped', message: 'no real server is behind direct routing of kernel LVS' }];
  }
  const vips = [...new Set(plan?.services.flatMap((service) => /^\[?([^\]]+?)\]?:\d+\//.exec(service.vip)?.[1] ?? []))];
  const fix = `fourlane doctor --role real-server --vip ${vips.length === 0 ? 'VIP' : vips.slice(0, 20).join(',')}`;
  return [{ outcome: 'skipped', message: 'can only be seen on the real servers: run the command on each', fix }];
}

async function onRealServer({ host, vips }: Examination): Promise<readonly Finding[]> {
  if (vips.every((vip) => vip.includes(':'))) return [{ outcome: 'skipped', message: 'IPv6 has no ARP' }];
  const devices = (await host.names('/proc/sys/net/ipv4/conf')).filter((name) => !/^(all|default|lo|dummy\d*|tunl0)$/.test(name));
  const value = async (device: string, key: string) =>
    ((await host.read(`/proc/sys/net/ipv4/conf/${device}/${key}`)) ?? '0').trim();
  return Promise.all(
    Object.entries(WANTED).map(async ([key, { ok, set }]): Promise<Finding> => {
      const all = await value('all', key);
      const values = await Promise.all(
        devices.map(async (device) => [device, String(Math.max(Number(all), Number(await value(device, key))))] as const),
      );
      const wrong = values.filter(([, v]) => !ok.some((o) => o === v));
      if (wrong.length === 0) return { outcome: 'ok', message: `${key} is ${ok.join(' or ')} on every device` };
      const shown = wrong.slice(0, 5).map(([d, v]) => `${v} on ${d}`);
      const message = `${key} is ${shown.join(', ')}${wrong.length > 5 ? ', …' : ''}; needed: ${ok.join(' or ')}`;
      return { outcome: 'fail', message, fix: `sysctl -w net/ipv4/conf/all/${key}=${set}` };
    }),
  );
}
