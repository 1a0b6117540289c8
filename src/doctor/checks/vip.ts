import type { Check, Finding } from '../check.ts';
import type { BriefInstance } from '../../keepalived/state/dump.ts';
import { lastDump, parseDump } from '../keepalived.ts';
import { addresses, type DeviceAddress } from '../net.ts';

const MASTER = 2;
/** A dump older than this may be about another state, ms. */
const OLD_MS = 60_000;
const DUMP = 'kill -$(keepalived --signum=JSON) $(cat /run/keepalived.pid)';

export const vip: Check = {
  name: 'vip',
  roles: ['load-balancer'],
  summary: 'VIPs are here where VRRP says MASTER, and only there',
  async run({ host }) {
    const pids = await host.processes('keepalived');
    if (pids.length === 0) return [{ outcome: 'skipped', message: 'keepalived does not run here' }];
    const dump = await lastDump(host, pids);
    const age = dump === undefined ? 0 : host.now() - dump.written;
    if (dump === undefined || age > OLD_MS) {
      const what = dump === undefined ? 'has written no dump' : `wrote its last dump ${Math.round(age / 1000)} s ago`;
      return [
        { outcome: 'skipped', message: `keepalived ${what}, so its state is not known; make one and run this again`, fix: DUMP },
      ];
    }
    const here = (await addresses(host)).filter((address) => !address.flags.includes('LOOPBACK'));
    return parseDump(dump).flatMap((i) => judge(i, here));
  },
};

function judge({ iname, state, vips }: BriefInstance, here: readonly DeviceAddress[]): readonly Finding[] {
  const master = state === MASTER;
  const wrong = vips.flatMap((text): Finding[] => {
    // `192.0.2.2/24 dev eth0 scope global label eth0:vip set`
    const [, ip, prefix = ip?.includes(':') ? '/128' : '/32', device = 'DEVICE'] =
      /^([0-9a-fA-F.:]+)(\/\d+)?(?: dev (\S+))?/.exec(text) ?? [];
    const found = here.find((a) => a.ip === ip);
    if (ip === undefined || master === (found !== undefined)) return [];
    const subject = `${iname} ${ip}`;
    return master
      ? [
          {
            outcome: 'fail',
            subject,
            message: 'MASTER, but the VIP is on no device',
            fix: `ip address add ${ip}${prefix} dev ${device}`,
          },
        ]
      : [
          {
            outcome: 'fail',
            subject,
            message: `not MASTER, but the VIP is on ${found!.device}: two servers may answer for it`,
            fix: `ip address del ${ip}/${found!.prefix} dev ${found!.device}`,
          },
        ];
  });
  if (wrong.length > 0) return wrong;
  const what = master ? `MASTER, has its VIPs (${vips.length})` : `not MASTER, has none of its VIPs (${vips.length})`;
  return [{ outcome: 'ok', subject: iname, message: what }];
}
