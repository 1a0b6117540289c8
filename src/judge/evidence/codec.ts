/** How one kind of fact stands in an evidence log. */
import type { Fact } from '../../model/facts.ts';
import type { Topology } from '../../model/topology.ts';
import type { Line } from './line.ts';

/** A topology with its names as indices. */
export interface Named {
  readonly topology: Topology;
  readonly nics: ReadonlyMap<string, number>;
  readonly realServers: ReadonlyMap<string, number>;
}

export interface Codec<F extends Fact> {
  readonly kind: F['kind'];
  /** The entry by which a line of this kind is known. */
  readonly mark: string;
  write(topology: Topology, fact: F): Readonly<Record<string, unknown>>;
  read(line: Line, names: Named): F;
}

/** The entries by which a line says when it was observed. */
export const OBSERVED = ['t', 'measured_at', 'nic'];

/** When and at which NIC something was observed, for a line; `measured_at` only where it is not `t`. */
export function observed({ nics }: Topology, fact: { t: number; measuredAt: number; nic: number }): Record<string, unknown> {
  const measured = fact.measuredAt === fact.t ? {} : { measured_at: fact.measuredAt };
  return { t: fact.t, ...measured, nic: nics[fact.nic]!.name };
}

/** The same from a line. */
export function readObserved(line: Line, { nics }: Named): { t: number; measuredAt: number; nic: number } {
  const t = line.time('t');
  return { t, measuredAt: line.time('measured_at', t), nic: line.index(nics, line.json['nic'], 'nic') };
}
