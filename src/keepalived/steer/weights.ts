/**
 * By how much evidence must lower the priority of an instance, so that the better node is master. Both nodes take off the same
 * for the same, so that faults on both sides move nothing.
 */

/** Priorities of one instance on two nodes, and how many NICs may be out at a time. */
export interface Pair {
  readonly own: number;
  readonly peer: number;
  readonly mostNics: number;
}

export interface Weights {
  /** Taken off for each NIC that is out; positive. */
  readonly nic: number;
  /** Taken off for an isolation; positive. */
  readonly isolated: number;
  /** `isolation first`: an isolated node is worse than one without NICs. `all alike`: it counts as one NIC more. */
  readonly order: 'isolation first' | 'all alike';
}

/** keepalived keeps a priority that was changed between these. */
const LEAST = 1;
const MOST = 254;

/** What has happened to a node. */
interface Faults {
  readonly nics: number;
  readonly isolated: 0 | 1;
}

const clamp = (priority: number) => Math.min(MOST, Math.max(LEAST, priority));

/**
 * The weights for pairs of priorities that change together; undefined when the priorities are too far apart, or too low, for any
 * to work: some faults would end at the least priority on both nodes.
 */
export function weightsFor(pairs: readonly Pair[]): Weights | undefined {
  const nic = Math.max(...pairs.map(({ own, peer }) => Math.abs(own - peer))) + 1;
  const mostNics = Math.max(...pairs.map((pair) => pair.mostNics));
  const candidates: readonly Weights[] = [
    { nic, isolated: (mostNics + 1) * nic, order: 'isolation first' },
    { nic, isolated: nic, order: 'all alike' },
  ];
  return candidates.find((weights) => pairs.every((pair) => works(pair, weights)));
}

/** Whether the better node has the higher priority in every case, and the priorities as configured decide between equals. */
function works({ own, peer, mostNics }: Pair, weights: Weights): boolean {
  const [high, low] = own >= peer ? [own, peer] : [peer, own];
  const all = ([0, 1] as const).flatMap((isolated) => Array.from({ length: mostNics + 1 }, (_, nics) => ({ nics, isolated })));
  const left = (base: number, { nics, isolated }: Faults) => clamp(base - nics * weights.nic - isolated * weights.isolated);
  return all.every((upper) =>
    all.every((lower) => {
      const worse = badness(upper, weights) - badness(lower, weights);
      const ahead = left(high, upper) - left(low, lower);
      if (worse > 0) return ahead < 0;
      return worse < 0 || high > low ? ahead > 0 : ahead === 0;
    }),
  );
}

function badness({ nics, isolated }: Faults, { nic, isolated: weight }: Weights): number {
  return nics + (isolated * weight) / nic;
}
