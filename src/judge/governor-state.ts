/** What the governor remembers: the wanted state of the data plane, what is held back, and what was spent of the budgets. */
import type { Topology } from '../model/topology.ts';
import type { Wanted } from '../model/verdict.ts';

/** One use of a real server: its position in a service that has it. */
export interface Slot {
  readonly service: number;
  readonly position: number;
}

/** One use of a path: a slot through one of the service's NICs; `slice` is that NIC's position in the service. */
export interface PathSlot extends Slot {
  readonly slice: number;
}

/** What was spent in a sliding window, oldest first. */
export interface Spending {
  readonly times: number[];
  readonly costs: number[];
  sum: number;
}

export interface Governor {
  readonly wanted: Wanted & { frozen: Wanted['frozen'] };
  /**
   * Where a check is used, as the first one of a real server or as a further one: its slots are entries `slotStart[server]` …
   * `slotStart[server + 1] - 1` of the other two.
   */
  readonly slotStart: Int32Array;
  readonly slotService: Int32Array;
  readonly slotPosition: Int32Array;
  /** Per service: real servers in service (weight above 0 and at least one path). */
  readonly enabled: Int32Array;
  /** Per service and position: enabled paths; per service and slice: real servers with an enabled path. */
  readonly pathsOn: readonly Uint16Array[];
  readonly sliceOn: readonly Int32Array[];
  /** Codes of limits for what is held back now. */
  readonly heldNic: Uint8Array;
  readonly heldWeight: readonly Uint8Array[];
  readonly heldPath: readonly Uint8Array[];
  /** Real servers and cells the data plane does not treat as plainly good, in the order they got there. */
  readonly activeServers: Set<number>;
  readonly activePaths: Set<number>;
  readonly spentService: readonly Spending[];
  readonly spentAgent: Spending;
}

type Shape = Topology['services'][number];

const nothingSpent = (): Spending => ({ times: [], costs: [], sum: 0 });

function eachUse(services: readonly Shape[], use: (server: number, service: number, position: number) => void): void {
  services.forEach(({ realServers, further }, service) => {
    realServers.forEach((server, position) => use(server, service, position));
    for (const [position, servers] of further ?? []) for (const server of servers) use(server, service, position);
  });
}

/** Position of each check of a service, the further ones of a real server too. */
export function positionsOf({ realServers, further }: Shape): Map<number, number> {
  const positions = new Map(realServers.map((server, position) => [server, position]));
  for (const [position, servers] of further ?? []) for (const server of servers) positions.set(server, position);
  return positions;
}

/** Everything enabled, nothing spent. */
export function allocateGovernor({ nics, realServers, services }: Topology, dynamic: Wanted['dynamic']): Governor {
  const slotStart = new Int32Array(realServers.length + 1);
  eachUse(services, (server) => slotStart[server + 1]!++);
  for (let server = 0; server < realServers.length; server++) slotStart[server + 1]! += slotStart[server]!;
  const slots = slotStart[realServers.length]!;
  const slotService = new Int32Array(slots);
  const slotPosition = new Int32Array(slots);
  const next = slotStart.slice(0, realServers.length);
  eachUse(services, (server, service, position) => {
    slotService[next[server]!] = service;
    slotPosition[next[server]!++] = position;
  });
  const paths = (service: Shape) => service.nics.length * service.realServers.length;
  return {
    wanted: {
      nicEnabled: new Uint8Array(nics.length).fill(1),
      weight: services.map((service) => new Float32Array(service.realServers.length).fill(1)),
      path: services.map((service) => new Uint8Array(paths(service)).fill(1)),
      panic: new Uint8Array(services.length),
      frozen: '',
      dynamic,
    },
    slotStart,
    slotService,
    slotPosition,
    enabled: Int32Array.from(services, (service) => (service.nics.length > 0 ? service.realServers.length : 0)),
    pathsOn: services.map((service) => new Uint16Array(service.realServers.length).fill(service.nics.length)),
    sliceOn: services.map((service) => new Int32Array(service.nics.length).fill(service.realServers.length)),
    heldNic: new Uint8Array(nics.length),
    heldWeight: services.map((service) => new Uint8Array(service.realServers.length)),
    heldPath: services.map((service) => new Uint8Array(paths(service))),
    activeServers: new Set(),
    activePaths: new Set(),
    spentService: services.map(nothingSpent),
    spentAgent: nothingSpent(),
  };
}

/** Index of a path slot in `wanted.path[service]` and `heldPath[service]`. */
export function pathAt(governor: Governor, { service, slice, position }: PathSlot): number {
  return slice * governor.pathsOn[service]!.length + position;
}

/** Sets a weight and keeps the count of real servers in service. */
export function putWeight(governor: Governor, { service, position }: Slot, weight: number): void {
  const weights = governor.wanted.weight[service]!;
  const reachable = governor.pathsOn[service]![position]! > 0;
  governor.enabled[service]! += (reachable && weight > 0 ? 1 : 0) - (reachable && weights[position]! > 0 ? 1 : 0);
  weights[position] = weight;
}

/** Sets a path and keeps the counts. */
export function putPath(governor: Governor, slot: PathSlot, on: 0 | 1): void {
  const { service, slice, position } = slot;
  const path = governor.wanted.path[service]!;
  const at = pathAt(governor, slot);
  if (path[at] === on) return;
  const weighted = governor.wanted.weight[service]![position]! > 0;
  const before = governor.pathsOn[service]![position]! > 0;
  path[at] = on;
  const step = on === 1 ? 1 : -1;
  governor.pathsOn[service]![position]! += step;
  governor.sliceOn[service]![slice]! += step;
  const after = governor.pathsOn[service]![position]! > 0;
  if (weighted && before !== after) governor.enabled[service]! += step;
}

/** What is left of a budget of `most` in the window of `windowMs` that ends at `now`. */
export function remaining({ times, costs, sum }: Spending, most: number, now: number, windowMs: number): number {
  let left = sum;
  let expired = 0;
  while (expired < times.length && times[expired]! <= now - windowMs) left -= costs[expired++]!;
  return most - (expired === times.length ? 0 : left);
}

/** Books a cost, and forgets what has left the window. */
export function spend(spending: Spending, cost: number, now: number, windowMs: number): void {
  const { times, costs } = spending;
  while (times.length > 0 && times[0]! <= now - windowMs) {
    times.shift();
    spending.sum -= costs.shift()!;
  }
  if (times.length === 0) spending.sum = 0;
  if (cost === 0) return;
  spending.sum += cost;
  if (times.at(-1) === now) {
    costs[costs.length - 1]! += cost;
    return;
  }
  times.push(now);
  costs.push(cost);
}
