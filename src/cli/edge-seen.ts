/** What this machine shows of its edge, for the rules: routing daemons and DPVS by their collectors, addresses and routes. */
import { bgp } from '../collect/bgp.ts';
import type { BgpData } from '../collect/bgp/data.ts';
import { sessionsSeen } from '../collect/bgp/seen.ts';
import { dpvs } from '../collect/dpvs.ts';
import type { DpvsData } from '../collect/dpvs/data.ts';
import { localsSeen, workersSeen } from '../collect/dpvs/seen.ts';
import { readOnce } from '../collect/once.ts';
import type { Collector } from '../collect/collector.ts';
import type { Seen } from '../edge/lint/rule.ts';
import { parsePrefix, width } from '../edge/prefix.ts';
import type { Plan } from '../model/plan.ts';
import { blackholeRoutes } from '../sys/blackholes.ts';
import { interfaceNetworks } from '../sys/machine.ts';
import { membersSeen } from './bgp-fleet.ts';

/** What is there now. `complain` gets what could not be read, one line each. */
export async function edgeSeen(plan: Plan, complain: (line: string) => void): Promise<Seen> {
  const read = async <D>(collector: Collector): Promise<D | undefined> => {
    const settings = plan.collectors[collector.name];
    if (settings === undefined || settings === false) return undefined;
    const reading = await readOnce(collector, settings, plan, (_, message) => complain(message));
    if (reading.state === 'data') return reading.data as D;
    complain(`${collector.name}: ${reading.state}: ${reading.reason}`);
    return undefined;
  };
  const [daemons, dataplane] = await Promise.all([read<BgpData>(bgp), read<DpvsData>(dpvs)]);
  return {
    connected: interfaceNetworks().flatMap(({ device, cidr }) => {
      const prefix = parsePrefix(cidr);
      return prefix === undefined || prefix.length === width(prefix.family) ? [] : [{ prefix, what: device }];
    }),
    blackholes: (await blackholeRoutes()).flatMap((text) => parsePrefix(text) ?? []),
    ...(await membersSeen(plan, complain)),
    ...(daemons === undefined ? {} : { sessions: sessionsSeen(daemons) }),
    ...(dataplane === undefined ? {} : { locals: localsSeen(dataplane), workers: workersSeen(dataplane) }),
  };
}
