/** Subjects of verdicts as numbers: one key for each, and their names. */
import type { Topology } from '../model/topology.ts';
import type { Subject } from '../model/verdict.ts';
import type { State } from './memory.ts';

/** A subject by its indices. */
export type Indexed =
  | { readonly kind: 'agent' }
  | { readonly kind: 'nic'; readonly nic: number }
  | { readonly kind: 'rs'; readonly server: number }
  | { readonly kind: 'rack'; readonly rack: number }
  | { readonly kind: 'path'; readonly nic: number; readonly server: number };

/** One number for each subject an action can be about: NICs below 0, real servers from 0, paths above them. */
export const nicKey = (nic: number) => -1 - nic;
export const pathKey = ({ realServers }: Topology, cell: number) => realServers.length + cell;

/** The key of a subject; undefined for those that no action is about. */
export function keyOf({ topology }: State, subject: Indexed): number | undefined {
  if (subject.kind === 'nic') return nicKey(subject.nic);
  if (subject.kind === 'rs') return subject.server;
  return subject.kind === 'path' ? pathKey(topology, subject.nic * topology.realServers.length + subject.server) : undefined;
}

/** The subject's names. */
export function nameSubject({ topology, racks }: State, subject: Indexed): Subject {
  const { nics, realServers } = topology;
  switch (subject.kind) {
    case 'agent':
      return { subject: 'agent' };
    case 'nic':
      return { subject: 'nic', nic: nics[subject.nic]!.name };
    case 'rs':
      return { subject: 'rs', rs: realServers[subject.server]!.id };
    case 'rack':
      return { subject: 'rack', rack: racks.names[subject.rack]! };
    case 'path':
      return { subject: 'path', nic: nics[subject.nic]!.name, rs: realServers[subject.server]!.id };
  }
}

/** The subject of these names; undefined when the topology has no such subject. */
export function indexSubject({ topology, racks }: State, { subject, nic, rs, rack }: Subject): Indexed | undefined {
  const nicIndex = topology.nics.findIndex((each) => each.name === nic);
  const serverIndex = topology.realServers.findIndex((each) => each.id === rs);
  const rackIndex = racks.names.indexOf(rack ?? '');
  switch (subject) {
    case 'agent':
      return { kind: 'agent' };
    case 'nic':
      return nicIndex < 0 ? undefined : { kind: 'nic', nic: nicIndex };
    case 'rs':
      return serverIndex < 0 ? undefined : { kind: 'rs', server: serverIndex };
    case 'rack':
      return rackIndex < 0 ? undefined : { kind: 'rack', rack: rackIndex };
    case 'path':
      return nicIndex < 0 || serverIndex < 0 ? undefined : { kind: 'path', nic: nicIndex, server: serverIndex };
  }
}
