/** R11: what the data plane behind a NIC shows may contradict the probes. */
import type { DataplaneSample, State } from './memory.ts';

/** The last sample when it is young enough. */
function latest(s: State, i: number, now: number): DataplaneSample | undefined {
  const sample = s.nics.dataplane[i]!.at(-1);
  return sample !== undefined && sample.t >= now - s.rules.dataplane_fresh_ms ? sample : undefined;
}

function median(samples: readonly DataplaneSample[], pick: (x: DataplaneSample) => number): number {
  const sorted = Float64Array.from(samples, pick).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

/** Mean answered share of new connections of the other NICs that have fresh facts; undefined without any. */
export function othersRatio(s: State, i: number, now: number): number | undefined {
  let sum = 0;
  let n = 0;
  for (let k = 0; k < s.topology.nics.length; k++) {
    const sample = k === i ? undefined : latest(s, k, now);
    if (sample === undefined || s.nics.carrier[k] === 0) continue;
    sum += sample.ratio;
    n++;
  }
  return n === 0 ? undefined : sum / n;
}

/**
 * Whether NIC i's data plane works although its probes fail. Only a fact observed after the suspicion began can say so: packets counted
 * before the fault prove nothing.
 */
export function dataplaneWorks(s: State, i: number, now: number): boolean {
  const sample = latest(s, i, now);
  const others = othersRatio(s, i, now);
  if (sample === undefined || others === undefined || s.nics.suspectT[i] === 0 || sample.t <= s.nics.suspectT[i]!) return false;
  const history = s.nics.dataplane[i]!;
  const enough = s.rules.dataplane_rate_fraction;
  const { rx, tx, ratio } = sample;
  if (rx <= 0 || tx <= 0 || ratio < others * (1 - s.rules.dataplane_ratio_tolerance)) return false;
  return rx >= enough * median(history, (x) => x.rx) && tx >= enough * median(history, (x) => x.tx);
}

/** Whether NIC i carries traffic whose connections hardly ever get established, while those of the other NICs do. */
export function dataplaneCollapsed(s: State, i: number, now: number): boolean {
  const sample = latest(s, i, now);
  if (sample === undefined || sample.rx <= 0) return false;
  const others = othersRatio(s, i, now);
  return others !== undefined && sample.ratio < others * s.rules.dataplane_collapse_fraction;
}
