/** R11: what the data plane behind a NIC shows may contradict the probes. */
import type { DataplaneSample, State } from './memory.ts';

/** The last sample when it is young enough. */
function latest(state: State, nic: number, now: number): DataplaneSample | undefined {
  const sample = state.nics.dataplane[nic]!.at(-1);
  return sample !== undefined && sample.t >= now - state.rules.dataplane_fresh_ms ? sample : undefined;
}

function median(samples: readonly DataplaneSample[], pick: (sample: DataplaneSample) => number): number {
  const sorted = Float64Array.from(samples, pick).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

/** Mean answered share of new connections of the other NICs that have fresh facts; undefined without any. */
function othersRatio(state: State, nic: number, now: number): number | undefined {
  let sum = 0;
  let count = 0;
  for (let other = 0; other < state.topology.nics.length; other++) {
    const sample = other === nic ? undefined : latest(state, other, now);
    if (sample === undefined || state.nics.carrier[other] === 0) continue;
    sum += sample.ratio;
    count++;
  }
  return count === 0 ? undefined : sum / count;
}

/**
 * Whether a NIC's data plane works although its probes fail. Only a fact observed after the suspicion began can say so: packets
 * counted before the fault prove nothing.
 */
export function dataplaneWorks(state: State, nic: number, now: number): boolean {
  const sample = latest(state, nic, now);
  const others = othersRatio(state, nic, now);
  if (sample === undefined || others === undefined || state.nics.suspectT[nic] === 0 || sample.t <= state.nics.suspectT[nic]!)
    return false;
  const history = state.nics.dataplane[nic]!;
  const enough = state.rules.dataplane_rate_fraction;
  const { rx, tx, ratio } = sample;
  if (rx <= 0 || tx <= 0 || ratio < others * (1 - state.rules.dataplane_ratio_tolerance)) return false;
  return rx >= enough * median(history, (sample) => sample.rx) && tx >= enough * median(history, (sample) => sample.tx);
}

/** Whether a NIC carries traffic whose connections hardly ever get established, while those of the other NICs do. */
export function dataplaneCollapsed(state: State, nic: number, now: number): boolean {
  const sample = latest(state, nic, now);
  if (sample === undefined || sample.rx <= 0) return false;
  const others = othersRatio(state, nic, now);
  return others !== undefined && sample.ratio < others * state.rules.dataplane_collapse_fraction;
}

/**
 * The numbers that R11 compares, by name, and how old the fact is that they are of, which says nothing any more after
 * `dataplane_fresh_ms`; none as long as there is no fact about the NIC. Usual rates are the medians of what is remembered.
 */
export function dataplaneNumbers(state: State, nic: number, now: number): Readonly<Record<string, number>> {
  const history = state.nics.dataplane[nic]!;
  const sample = history.at(-1);
  if (sample === undefined) return {};
  const others = othersRatio(state, nic, sample.t);
  return {
    fact_age_s: (now - sample.t) / 1000,
    answered_ratio: sample.ratio,
    ...(others === undefined ? {} : { answered_ratio_others: others }),
    rx_pps: sample.rx,
    rx_pps_usual: median(history, ({ rx }) => rx),
    tx_pps: sample.tx,
    tx_pps_usual: median(history, ({ tx }) => tx),
  };
}
