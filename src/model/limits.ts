/**
 * Every limit of the governor, once: what can hold an action back (R12), in code order. Codes are stored in state files; 0 =
 * nothing.
 */

interface LimitEntry {
  readonly name: string;
  /** What it means, for docs/attribution.md. */
  readonly rule: string;
}

const TABLE = [
  {
    name: 'last_nic',
    rule: 'never the last NIC',
  },
  {
    name: 'half_nics',
    rule:
      'at most half of the NICs (`max_nics_fraction`). When one without carrier would have to stay, one that is only ' +
      'held down and looks well comes back early instead',
  },
  {
    name: 'panic',
    rule:
      'a service keeps its `panic` share of real servers (of fewer than 4: one), and each slice at least one path. ' +
      'Within one pass the worst go first, so those that stay answer at least wrongly rather than not at all',
  },
  {
    name: 'budget_service',
    rule: "per 10 s at most 20 % of a service's real servers, but one. A path counts as its part: 1/2 with two slices",
  },
  { name: 'budget_agent', rule: 'per 10 s at most 500 real servers in all' },
  {
    name: 'semaphore',
    rule: 'with an etcd: the permit of the budget `nic` is missing ([budgets](cluster.md#budgets)). A lost carrier needs none',
  },
  { name: 'freeze', rule: 'the agent has a verdict of its own, or had one until just now' },
] as const satisfies readonly LimitEntry[];

export type LimitName = (typeof TABLE)[number]['name'];

/** The table, in code order from 1. */
export const LIMIT_TABLE: readonly LimitEntry[] = TABLE;
/** Names in code order; code 0 = not held back. */
export const LIMITS: readonly ('' | LimitName)[] = ['', ...TABLE.map((limit) => limit.name)];
/** Code of each limit. */
export const LIMIT = Object.fromEntries(TABLE.map(({ name }, index) => [name, index + 1])) as Record<LimitName, number>;
