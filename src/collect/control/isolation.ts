/** Whether control traffic that comes by a NIC has a receive queue of its own. Pure. */
import type { ControlState } from '../control-metrics.ts';
import type { Queues } from './queues.ts';
import type { Rule } from './rules.ts';

export interface Wanted {
  /** Ports of control traffic: either end. */
  readonly ports: readonly number[];
  /** Own addresses that nothing else is sent to, and the routers'. */
  readonly addresses: readonly string[];
  readonly peers: readonly string[];
}

export interface Steering extends Queues {
  /** undefined: the driver has none. */
  readonly rules: readonly Rule[] | undefined;
}

/** `queues`: where rules lead control traffic, ascending. */
export interface Judged {
  readonly state: ControlState;
  readonly queues: readonly number[];
}

/** Whether every packet of control traffic with this port matches the rule. */
function covers(rule: Rule, port: number, { addresses, peers }: Wanted): boolean {
  const { source, destination, sourcePort, destinationPort } = rule;
  if (rule.protocol === 'other') return false;
  if (sourcePort !== undefined || destinationPort !== undefined) return sourcePort === port || destinationPort === port;
  if (source !== undefined) return peers.includes(source);
  return destination !== undefined && addresses.includes(destination);
}

export function judgeIsolation({ count, table, rules }: Steering, wanted: Wanted): Judged {
  if (count === 1) return { state: 'one_queue', queues: [] };
  if (count === undefined && table === undefined) return { state: 'unknown', queues: [] };
  // Without a table the hardware spreads over every queue, as far as can be seen.
  const isShared = (queue: number) => (table === undefined ? true : table.includes(queue));
  const of = wanted.ports.map((port) =>
    (rules ?? []).flatMap((rule) => (typeof rule.queue === 'number' && covers(rule, port, wanted) ? [rule.queue] : [])),
  );
  const queues = [...new Set(of.flat())].toSorted((a, b) => a - b);
  if (queues.length === 0) return { state: 'shared', queues };
  const own = of.filter((list) => list.some((queue) => !isShared(queue)));
  if (own.length === 0) return { state: 'steered', queues };
  return { state: own.length === of.length && !queues.some(isShared) ? 'isolated' : 'partly', queues };
}
