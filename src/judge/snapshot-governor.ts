/** The wanted state in a snapshot: only what is not plainly enabled, by names. */
import { LIMITS } from '../model/limits.ts';
import { pathAt, positionsOf, putPath, putWeight, type Spending } from './governor-state.ts';
import type { State } from './memory.ts';
import type { Reader, Saved } from './snapshot-reader.ts';

const NAMES = ['nics', 'weights', 'paths', 'servers', 'cells', 'spent', 'spentService', 'panic'];

export function saveGovernor({ governor, topology, clock }: State): Saved {
  const { wanted } = governor;
  const ages = ({ times, costs }: Spending) => times.flatMap((t, index) => [Math.round(clock.now - t), costs[index]!]);
  const weights: unknown[] = [];
  const paths: unknown[] = [];
  topology.services.forEach(({ name, nics, realServers }, service) => {
    realServers.forEach((server, position) => {
      const [weight, held] = [wanted.weight[service]![position]!, governor.heldWeight[service]![position]!];
      if (weight !== 1 || held !== 0) weights.push([name, server, weight, held]);
      nics.forEach((nic, slice) => {
        const at = pathAt(governor, { service, slice, position });
        const [on, heldPath] = [wanted.path[service]![at]!, governor.heldPath[service]![at]!];
        if (on !== 1 || heldPath !== 0) paths.push([name, nic, server, on, heldPath]);
      });
    });
  });
  return {
    nics: [[...wanted.nicEnabled], [...governor.heldNic]],
    weights,
    paths,
    servers: [...governor.activeServers],
    cells: [...governor.activePaths],
    spent: ages(governor.spentAgent),
    spentService: governor.spentService.flatMap((spending, service) =>
      spending.times.length > 0 ? [[topology.services[service]!.name, ...ages(spending)]] : [],
    ),
    panic: topology.services.flatMap(({ name }, service) => (wanted.panic[service] === 1 ? [name] : [])),
  };
}

/** Where the indices of a snapshot are now; below 0 = gone. */
export interface Moved {
  readonly nic: (index: number) => number;
  readonly server: (index: number) => number;
  readonly cell: (index: number) => number;
  /** How many real servers the snapshot has. */
  readonly serverCount: number;
}

export function restoreGovernor(state: State, reader: Reader, moved: Moved): void {
  reader.only(NAMES);
  const { governor, topology, clock, agent } = state;
  governor.wanted.frozen = agent.verdict;
  restoreNics(state, reader, moved);
  restoreSlots(state, reader, moved);
  for (const server of reader.numbers(reader.list('servers'), 'servers')) {
    if (moved.server(server) >= 0) governor.activeServers.add(moved.server(server));
  }
  for (const cell of reader.numbers(reader.list('cells'), 'cells')) {
    if (moved.cell(cell) >= 0) governor.activePaths.add(moved.cell(cell));
  }
  const spend = (into: Spending, values: readonly number[]) => {
    for (let at = 0; at + 1 < values.length; at += 2) {
      into.times.push(clock.now - values[at]!);
      into.costs.push(values[at + 1]!);
      into.sum += values[at + 1]!;
    }
  };
  const serviceOf = (name: unknown) => topology.services.findIndex((service) => service.name === name);
  spend(governor.spentAgent, reader.numbers(reader.list('spent'), 'spent'));
  for (const entry of reader.list('spentService')) {
    const [name, ...values] = reader.array(entry, 'spentService');
    const service = serviceOf(name);
    if (service >= 0) spend(governor.spentService[service]!, reader.numbers(values, 'spentService'));
  }
  for (const name of reader.strings('panic')) if (serviceOf(name) >= 0) governor.wanted.panic[serviceOf(name)] = 1;
}

const limitOf = (reader: Reader, value: unknown) => reader.integer(value, 0, LIMITS.length - 1, 'governor');

function restoreNics({ governor }: State, reader: Reader, moved: Moved): void {
  const [enabled = [], held = []] = reader.list('nics', 2).map((values) => reader.numbers(values, 'nics'));
  enabled.forEach((on, index) => {
    const nic = moved.nic(index);
    if (nic < 0) return;
    governor.wanted.nicEnabled[nic] = reader.integer(on, 0, 1, 'nics');
    governor.heldNic[nic] = limitOf(reader, held[index]);
  });
}

function restoreSlots({ governor, topology }: State, reader: Reader, moved: Moved): void {
  const serviceAt = new Map(topology.services.map(({ name }, service) => [name, service]));
  const positionAt = topology.services.map(positionsOf);
  const nicCount = reader.array(reader.list('nics', 2)[0], 'nics').length;
  const slotOf = (name: unknown, server: unknown, where: string) => {
    const service = serviceAt.get(String(name));
    const now = moved.server(reader.integer(server, 0, moved.serverCount - 1, where));
    const position = service === undefined ? undefined : positionAt[service]!.get(now);
    return service === undefined || position === undefined ? undefined : { service, position };
  };
  for (const entry of reader.list('weights')) {
    const [name, server, weight, limit] = reader.tuple(entry, 4, 'weights');
    const slot = slotOf(name, server, 'weights');
    if (slot === undefined) continue;
    putWeight(governor, slot, reader.finite(weight, 0, 1, 'weights'));
    governor.heldWeight[slot.service]![slot.position] = limitOf(reader, limit);
  }
  for (const entry of reader.list('paths')) {
    const [name, nic, server, enabled, limit] = reader.tuple(entry, 5, 'paths');
    const slot = slotOf(name, server, 'paths');
    const nicNow = moved.nic(reader.integer(nic, 0, nicCount - 1, 'paths'));
    const slice = slot === undefined ? -1 : topology.services[slot.service]!.nics.indexOf(nicNow);
    if (slot === undefined || slice < 0) continue;
    putPath(governor, { ...slot, slice }, reader.integer(enabled, 0, 1, 'paths') === 1 ? 1 : 0);
    governor.heldPath[slot.service]![pathAt(governor, { ...slot, slice })] = limitOf(reader, limit);
  }
}
