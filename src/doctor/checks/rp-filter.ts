/**
 * Strict reverse-path filtering (1) drops a packet that came by another NIC than the route back to its sender leaves by: with
 * several NICs, replies to probes. What holds for a device is the larger of its own value and of `all`: 2 (loose) wins. IPv4
 * only.
 */
import type { Check, Finding } from '../check.ts';
import type { Host } from '../host.ts';
import { type NicPaths, nicPaths } from '../paths.ts';

const STRICT = 1;

export const rpFilter: Check = {
  name: 'rp_filter',
  roles: ['load-balancer'],
  summary: 'the reverse-path filter lets replies in by every NIC',
  async run({ host, config: { plan } }) {
    if (plan === undefined) return [{ outcome: 'skipped', message: 'needs the NICs of a configuration' }];
    const nics = (await nicPaths(host, plan)).filter((nicPath) => nicPath.family === 4);
    if (nics.length === 0) return [{ outcome: 'skipped', message: 'no real server has an IPv4 address' }];
    return Promise.all(nics.map((nic) => judge(host, nic, plan.nics.length)));
  },
};

async function judge(host: Host, { nic: { name, device }, paths }: NicPaths, nics: number): Promise<Finding> {
  const [all, own] = await Promise.all([value(host, 'all'), value(host, device)]);
  const subject = name;
  if (own === undefined) return { outcome: 'skipped', subject, message: `there is no device ${device}` };
  const holds = Math.max(all ?? 0, own);
  const setting = `rp_filter ${holds} (all ${all ?? 0}, ${device} ${own})`;
  if (holds !== STRICT) return { outcome: 'ok', subject, message: setting };
  if (nics === 1) return { outcome: 'ok', subject, message: `${setting}: strict, which does no harm with one NIC` };
  // A slash separates: the names of VLANs have dots.
  const fix = `sysctl -w net/ipv4/conf/${device}/rp_filter=2`;
  const astray = paths.find((path) => path.unbound !== device);
  if (astray === undefined && paths.length > 0) {
    const harm = 'replies to probes pass, but packets that come by another NIC than they go back are dropped';
    const message = `${setting}: strict; ${harm}`;
    return { outcome: 'warn', subject, message, fix };
  }
  const why = astray === undefined ? '' : `, since the route back to ${astray.to} leaves by ${astray.unbound ?? 'no device'}`;
  return { outcome: 'fail', subject, message: `${setting}: strict; replies that come by ${device} are dropped${why}`, fix };
}

async function value(host: Host, device: string): Promise<number | undefined> {
  const text = await host.read(`/proc/sys/net/ipv4/conf/${device}/rp_filter`);
  return text === undefined ? undefined : Number(text.trim());
}
