/** Queues, RSS tables and rules of the hardware below the NICs that the kernel drives. */
import type { Ethtool } from '../../sys/ethtool.ts';
import type { Samples } from '../collector.ts';
import { CONTROL_PATH_STATE, CONTROL_STATES, type ControlState } from '../control-metrics.ts';
import { hardwareBelow } from './hardware.ts';
import { type Judged, judgeIsolation, type Steering } from './isolation.ts';
import { QUEUE_SHARE, STEERING_RULES } from './metrics.ts';
import { kernelNics, type Means, part, type QueueAnswers } from './part.ts';
import { decodeQueues, readTable } from './queues.ts';
import { readRules } from './rules.ts';

export interface NicSteering extends Steering, Judged {
  readonly nic: string;
  readonly device: string;
}

const NOTHING: QueueAnswers = { channels: undefined, rss: undefined };

/** Of several devices below a NIC, such as members of a bond, the first of these that one has holds for the NIC. */
const WORST: readonly ControlState[] = ['shared', 'steered', 'partly', 'one_queue', 'unknown', 'isolated'];

export const steering = part<readonly NicSteering[]>({
  name: 'steering',
  async read(means, signal) {
    const nics = kernelNics(means.nics);
    if (nics.length === 0) return { state: 'absent', reason: 'the kernel drives none of the NICs' };
    const devices: { readonly nic: string; readonly device: string }[] = [];
    for (const { name: nic, device } of nics) {
      const below = await hardwareBelow(means.roots.net, device, signal);
      for (const each of below.length > 0 ? below : [device]) devices.push({ nic, device: each });
    }
    const answers = await means.queues(
      devices.map(({ device }) => device),
      signal,
    );
    const ethtool = means.ethtool();
    try {
      const read = devices.map(({ nic, device }, i) => ({
        nic,
        device,
        ...judged(steeringOf(device, answers[i] ?? NOTHING, ethtool), nic, means),
      }));
      return { state: 'data', data: read };
    } finally {
      ethtool.close();
    }
  },
  publish(devices, samples) {
    for (const [nic, list] of Map.groupBy(devices, (each) => each.nic)) {
      const present = WORST.find((state) => list.some((each) => each.state === state));
      for (const state of CONTROL_STATES) samples.gauge(CONTROL_PATH_STATE, ['kernel', nic, state], Number(state === present));
      publishQueues(nic, list, samples);
    }
  },
});

/** Shares of the devices' tables together, and their rules. */
function publishQueues(nic: string, devices: readonly NicSteering[], samples: Samples): void {
  const table = devices.flatMap((device) => device.table ?? []);
  const rules = devices.flatMap((device) => device.rules ?? []);
  const numbers = rules.flatMap(({ queue }) => (typeof queue === 'number' ? [queue] : []));
  for (const queue of table.length === 0 ? [] : new Set([...table, ...numbers])) {
    const share = table.filter((entry) => entry === queue).length / table.length;
    samples.gauge(QUEUE_SHARE, [nic, String(queue)], share);
  }
  for (const [queue, list] of Map.groupBy(rules, (rule) => String(rule.queue)))
    samples.gauge(STEERING_RULES, [nic, queue], list.length);
}

function steeringOf(device: string, answers: QueueAnswers, { ask }: Ethtool): Steering {
  const { count, table } = decodeQueues(answers);
  return { count, table: table ?? readTable(ask, device), rules: readRules(ask, device) };
}

function judged(read: Steering, nic: string, { ports, addresses, peers }: Means): Steering & Judged {
  return { ...read, ...judgeIsolation(read, { ports, addresses, peers: peers.get(nic) ?? [] }) };
}
