/** Routes of the kernel that discard: blackhole, unreachable, prohibit. Of the main table. */
import { readProc } from './procfs.ts';

/** RTF_REJECT of linux/route.h. */
const REJECT = 0x200;

/** `ADDRESS/LENGTH` of each; IPv6 addresses in full. */
export async function blackholeRoutes(root = '/proc/net'): Promise<readonly string[]> {
  const [four = '', six = ''] = await Promise.all([readProc(`${root}/route`), readProc(`${root}/ipv6_route`)]);
  return [...four.split('\n').flatMap(ofLine4), ...six.split('\n').flatMap(ofLine6)];
}

/** `* 30000A0A 00000000 0200 0 0 0 F0FFFFFF …`: bytes from the last to the first. */
function ofLine4(line: string): string[] {
  const [, destination = '', , flags = '', , , , mask = ''] = line.trim().split(/\s+/);
  if (!/^[0-9A-F]{8}$/i.test(destination) || (Number.parseInt(flags, 16) & REJECT) === 0) return [];
  const bytes = Buffer.from(destination, 'hex').reverse();
  const ones = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;
  return [`${[...bytes].join('.')}/${ones}`];
}

/** `DESTINATION LENGTH SOURCE LENGTH NEXTHOP METRIC COUNT USE FLAGS DEVICE`; the loopback's own routes reject as well. */
function ofLine6(line: string): string[] {
  const [destination = '', length = '', , , , , , , flags = ''] = line.trim().split(/\s+/);
  if (!/^[0-9a-f]{32}$/.test(destination) || (Number.parseInt(flags, 16) & REJECT) === 0) return [];
  const prefix = Number.parseInt(length, 16);
  return prefix === 0 ? [] : [`${destination.match(/.{4}/g)!.join(':')}/${prefix}`];
}
