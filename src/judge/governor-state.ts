/** What the governor remembers: the wanted state of the data plane, what is held back, and what was spent of the budgets. */
import type { Topology } from '../model/topology.ts';
import type { Action, Wanted } from '../model/verdict.ts';

/** Limits in code order; the code 0 means nothing is held back. */
export const LIMITS = ['', 'last_nic', 'half_nics', 'panic', 'budget_service', 'budget_agent', 'semaphore', 'freeze'] as const;
export const LIMIT = { lastNic: 1, halfNics: 2, panic: 3, budgetService: 4, budgetAgent: 5, semaphore: 6, freeze: 7 } as const;

/** What was spent in a sliding window, oldest first. */
export interface Spending {
  readonly times: number[];
  readonly costs: number[];
  sum: number;
}

export interface Governor {
  readonly wanted: Wanted & { frozen: Wanted['frozen'] };
  /** Where real server j is used: entries `slotStart[j]` … of service and position in it. */
  readonly slotStart: Int32Array;
  readonly slotService: Int32Array;
  readonly slotIndex: Int32Array;
  /** Per service: real servers in service (weight above 0 and at least one path). */
  readonly enabled: Int32Array;
  /** Per service and real server: enabled paths; per service and slice: real servers with an enabled path. */
  readonly pathsOn: readonly Uint16Array[];
  readonly sliceOn: readonly Int32Array[];
  /** Codes of `LIMITS` for what is held back now. */
  readonly heldNic: Uint8Array;
  readonly heldWeight: readonly Uint8Array[];
  readonly heldPath: readonly Uint8Array[];
  /** Real servers and cells the data plane does not treat as plainly good, in the order they got there. */
  readonly activeServers: Set<number>;
  readonly activePaths: Set<number>;
  readonly spentService: readonly Spending[];
  readonly spentAgent: Spending;
  /** Subjects already charged to the agent's budget in this pass. */
  readonly charged: Set<number>;
}

/** Everything enabled, nothing spent. */
export function allocateWanted(topology: Topology): Governor {
  const m = topology.realServers.length;
  const slotStart = new Int32Array(m + 1);
  for (const service of topology.services) for (const j of service.realServers) slotStart[j + 1]!++;
  for (let j = 0; j < m; j++) slotStart[j + 1]! += slotStart[j]!;
  const slotService = new Int32Array(slotStart[m]!);
  const slotIndex = new Int32Array(slotStart[m]!);
  const next = slotStart.slice(0, m);
  topology.services.forEach((service, v) => {
    service.realServers.forEach((j, r) => {
      slotService[next[j]!] = v;
      slotIndex[next[j]!++] = r;
    });
  });
  const services = topology.services;
  const size = (v: { nics: readonly number[]; realServers: readonly number[] }) => v.nics.length * v.realServers.length;
  return {
    wanted: {
      nicEnabled: new Uint8Array(topology.nics.length).fill(1),
      weight: services.map((v) => new Float32Array(v.realServers.length).fill(1)),
      path: services.map((v) => new Uint8Array(size(v)).fill(1)),
      panic: new Uint8Array(services.length),
      frozen: '',
    },
    slotStart,
    slotService,
    slotIndex,
    enabled: Int32Array.from(services, (v) => (v.nics.length > 0 ? v.realServers.length : 0)),
    pathsOn: services.map((v) => new Uint16Array(v.realServers.length).fill(v.nics.length)),
    sliceOn: services.map((v) => new Int32Array(v.nics.length).fill(v.realServers.length)),
    heldNic: new Uint8Array(topology.nics.length),
    heldWeight: services.map((v) => new Uint8Array(v.realServers.length)),
    heldPath: services.map((v) => new Uint8Array(size(v))),
    activeServers: new Set(),
    activePaths: new Set(),
    spentService: services.map(() => ({ times: [], costs: [], sum: 0 })),
    spentAgent: { times: [], costs: [], sum: 0 },
    charged: new Set(),
  };
}

/** Sets a weight and keeps the count of real servers in service. */
export function putWeight(g: Governor, v: number, r: number, weight: number): void {
  const weights = g.wanted.weight[v]!;
  const paths = g.pathsOn[v]![r]! > 0;
  g.enabled[v]! += (paths && weight > 0 ? 1 : 0) - (paths && weights[r]! > 0 ? 1 : 0);
  weights[r] = weight;
}

/** Sets a path of service `v` (its k-th NIC) and keeps the counts. */
export function putPath(g: Governor, v: number, k: number, r: number, on: 0 | 1): void {
  const path = g.wanted.path[v]!;
  const at = k * g.pathsOn[v]!.length + r;
  if (path[at] === on) return;
  const weighted = g.wanted.weight[v]![r]! > 0;
  const before = g.pathsOn[v]![r]! > 0;
  path[at] = on;
  const step = on === 1 ? 1 : -1;
  g.pathsOn[v]![r]! += step;
  g.sliceOn[v]![k]! += step;
  const after = g.pathsOn[v]![r]! > 0;
  if (weighted && before !== after) g.enabled[v]! += step;
}

/** What is left of `limit` in the window that ends at `now`. */
export function remaining(spending: Spending, limit: number, now: number, windowMs: number): number {
  while (spending.times.length > 0 && spending.times[0]! <= now - windowMs) {
    spending.times.shift();
    spending.sum -= spending.costs.shift()!;
  }
  if (spending.times.length === 0) spending.sum = 0;
  return limit - spending.sum;
}

/** Books a cost. */
export function spend(spending: Spending, cost: number, now: number): void {
  if (cost === 0) return;
  spending.sum += cost;
  if (spending.times.at(-1) === now) {
    spending.costs[spending.costs.length - 1]! += cost;
    return;
  }
  spending.times.push(now);
  spending.costs.push(cost);
}

/** Hears what a pass does: let through, or held back although it was not before. `subject`: see `nicKey` and its siblings. */
export interface Report {
  done(action: Action, subject: number): void;
  held(action: Action, rule: string, subject: number): void;
}

/** One number per subject: NICs below 0, real servers from 0, paths from `realServers` on. */
export const nicKey = (i: number) => -1 - i;
export const pathKey = (topology: Topology, c: number) => topology.realServers.length + c;
