/** One codec per kind of fact. A kind without one does not compile. */
import type { Fact, Observation } from '../../model/facts.ts';
import type { Topology } from '../../model/topology.ts';
import type { Codec, Named } from './codec.ts';
import { dataplane } from './dataplane.ts';
import { fleet } from './fleet.ts';
import type { Line } from './line.ts';
import { link } from './link.ts';
import { permit } from './permit.ts';
import { result } from './result.ts';
import { routing } from './routing.ts';

type Codecs = { readonly [K in Fact['kind']]: Codec<Extract<Fact, { kind: K }>> };

const CODECS: Codecs = { link, dataplane, routing, permit, fleet, result };

/** The line of an observation. */
export function formatObservation(topology: Topology, fact: Observation): string {
  const codec = CODECS[fact.kind] as Codec<Observation>;
  return JSON.stringify(codec.write(topology, fact));
}

/** The fact of a line. Throws FourlaneError EVIDENCE_INVALID. */
export function readFact(line: Line, names: Named): Fact {
  const codec = Object.values(CODECS).find(({ mark }) => line.has(mark)) ?? result;
  return codec.read(line, names);
}
