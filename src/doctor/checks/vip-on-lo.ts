import type { Check, Examination, Finding } from '../check.ts';
import { addresses, type DeviceAddress } from '../net.ts';

export const vipOnLo: Check = {
  name: 'vip_on_lo',
  roles: ['real-server'],
  summary: 'a real server behind direct routing has the VIP, on a device that does not answer for it',
  async run({ host, vips }: Examination) {
    const known = await addresses(host);
    return vips.map((vip) =>
      judge(
        vip,
        known.filter((each) => each.ip === vip),
      ),
    );
  },
};

/** Devices on which nobody asks: lo, dummies, tunnels. */
const quiet = ({ flags }: DeviceAddress) => flags.includes('LOOPBACK') || flags.includes('NOARP');

function judge(vip: string, found: readonly DeviceAddress[]): Finding {
  const whole = vip.includes(':') ? 128 : 32;
  const add = `ip address add ${vip}/${whole} dev lo`;
  const del = ({ prefix, device }: DeviceAddress) => `ip address del ${vip}/${prefix} dev ${device}`;
  if (found.length === 0) {
    return { outcome: 'fail', subject: vip, message: 'on no device: packets for it are dropped', fix: add };
  }
  const loud = found.find((each) => !quiet(each));
  const instead = found.some((each) => quiet(each) && each.prefix === whole) ? '' : ` && ${add}`;
  if (loud !== undefined) {
    const message = `on ${loud.device}, where others ask for it: this real server takes the VIP from the load balancer`;
    return { outcome: 'fail', subject: vip, message, fix: `${del(loud)}${instead}` };
  }
  const wide = found.find((each) => each.prefix !== whole);
  if (wide !== undefined) {
    const message = `on ${wide.device} with /${wide.prefix}: all addresses of that subnet count as local; needed is /${whole}`;
    return { outcome: 'fail', subject: vip, message, fix: `${del(wide)}${instead}` };
  }
  return { outcome: 'ok', subject: vip, message: `on ${found[0]!.device} with /${whole}` };
}
