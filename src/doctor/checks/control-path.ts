/** The way of control traffic: a receive queue of its own, and nothing on another NUMA node than the NIC. */
import type { ControlData } from '../../collect/control.ts';
import type { NicNode } from '../../collect/control/numa.ts';
import type { NicSteering } from '../../collect/control/steering.ts';
import type { ControlState } from '../../collect/control-metrics.ts';
import type { DpvsData } from '../../collect/dpvs/data.ts';
import type { Check, Finding } from '../check.ts';

export const controlPath: Check = {
  name: 'control_path',
  roles: ['load-balancer'],
  summary: 'BGP and BFD have a receive queue of their own, and NICs are served from their own NUMA node',
  async run({ host, config: { plan } }) {
    if (plan === undefined) return [{ outcome: 'skipped', message: 'needs the NICs of a configuration' }];
    const readingOf = async (name: string) => {
      const settings = plan.collectors[name];
      return settings === false || !host.collectors.includes(name) ? undefined : host.collect(name, settings, plan.nics);
    };
    const own = await readingOf('control');
    const kernel = own?.state === 'data' ? (own.data as ControlData) : undefined;
    const dpvs = plan.nics.some(({ dataplane }) => dataplane !== undefined) ? await readingOf('dpvs') : undefined;
    const hasSessions = (plan.bgp?.uplinks ?? []).length > 0;
    const found = [
      ...partOf<NicSteering>(kernel, 'steering').map((nic) => ofKernel(nic, hasSessions)),
      ...partOf<NicNode>(kernel, 'numa').flatMap(ofNode),
      ...(dpvs?.state === 'data' ? (dpvs.data as DpvsData).paths.flatMap((path) => ofDpvs(path, hasSessions)) : []),
    ];
    return found.length > 0 ? found : [{ outcome: 'skipped', message: 'neither queues nor NUMA nodes can be read here' }];
  },
};

function partOf<D>(data: ControlData | undefined, name: string): readonly D[] {
  const reading = data?.get(name);
  return reading?.state === 'data' ? (reading.data as readonly D[]) : [];
}

const WORDS: Readonly<Record<ControlState, string>> = {
  isolated: 'control traffic has a receive queue of its own',
  partly: 'some of the control traffic has a receive queue of its own, the rest shares one',
  steered: 'rules lead control traffic to a queue that RSS fills too: it is dropped with the rest',
  shared: 'control traffic is spread over the queues of all traffic: under load BGP and BFD are dropped with the rest',
  one_queue: 'one receive queue for all traffic',
  unknown: 'its driver shows neither queues nor RSS table',
};
/** What keeps sessions from being safe; it only matters where there are any. */
const WORRY = new Set<ControlState>(['partly', 'steered', 'shared']);

function stateFinding(subject: string, state: ControlState, detail: string, fix: string | undefined): Finding {
  const message = WORDS[state] + detail;
  if (state === 'unknown') return { outcome: 'skipped', subject, message };
  return fix === undefined || !WORRY.has(state)
    ? { outcome: 'ok', subject, message }
    : { outcome: 'warn', subject, message, fix };
}

function ofKernel({ nic, device, state, queues, count, rules }: NicSteering, hasSessions: boolean): Finding {
  const detail = queues.length === 0 ? '' : ` (queue ${queues.join(', ')})`;
  const last = count === undefined || count < 2 ? undefined : count - 1;
  if (last === undefined || rules === undefined) return stateFinding(nic, state, `${detail}; its driver has no rules`, undefined);
  const flows = ['tcp4 dst-port 179', 'tcp4 src-port 179', 'udp4 dst-port 3784'];
  const steps = [
    `ethtool -X ${device} equal ${last}`,
    ...flows.map((flow) => `ethtool -N ${device} flow-type ${flow} action ${last}`),
  ];
  return stateFinding(nic, state, detail, hasSessions ? steps.join(' && ') : undefined);
}

function ofNode({ nic, device, node, astray, memory }: NicNode): readonly Finding[] {
  const found: Finding[] = [];
  if (astray.length > 0) {
    const list = astray.map(({ irq, cpus }) => `${irq} (CPU ${cpus})`).join(', ');
    const fix = `cat /sys/devices/system/node/node${node}/cpulist   # for each: echo CPU > /proc/irq/N/smp_affinity_list`;
    found.push({
      outcome: 'warn',
      subject: nic,
      message: `${device} is on NUMA node ${node}, its interrupts ${list} are not`,
      fix,
    });
  }
  if (!memory)
    found.push({
      outcome: 'warn',
      subject: nic,
      message: `${device} is on NUMA node ${node}, which has no memory`,
      fix: 'lscpu; numactl -H',
    });
  return found.length > 0
    ? found
    : [{ outcome: 'ok', subject: nic, message: `${device} and its interrupts are on NUMA node ${node}` }];
}

function ofDpvs({ nic, state, astray = [] }: DpvsData['paths'][number], hasSessions: boolean): readonly Finding[] {
  const fix = hasSessions
    ? 'dpip flow show type kni   # needs a "worker type kni" in dpvs.conf; then: dpip flow add type kni ADDRESS dev PORT'
    : undefined;
  const first = stateFinding(nic, state, '', fix);
  if (astray.length === 0) return [first];
  const message = `cores ${astray.join(', ')} of DPVS poll its port from another NUMA node`;
  return [
    first,
    { outcome: 'warn', subject: nic, message, fix: 'lscpu | grep NUMA   # then cpu_id of these workers in dpvs.conf' },
  ];
}
