/** R11: what the data plane behind a NIC shows may contradict the probes. */
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import { held, isOut, type DataplaneSample, type State } from './memory.ts';

/** The last sample when it is no older than this, ms. */
function latest({ nics }: State, nic: number, now: number, mostMs: number): DataplaneSample | undefined {
  const sample = nics.dataplane[nic]!.at(-1);
  return sample !== undefined && sample.t >= now - mostMs ? sample : undefined;
}

function median(samples: readonly DataplaneSample[], pick: (sample: DataplaneSample) => number): number {
  const sorted = Float64Array.from(samples, pick).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

/** What is usual for a NIC: samples from before the present suspicion, all when there are none. */
function usual({ nics }: State, nic: number): readonly DataplaneSample[] {
  const history = nics.dataplane[nic]!;
  const since = nics.suspectT[nic]!;
  const before = since === 0 ? history : history.filter(({ t }) => t <= since);
  return before.length > 0 ? before : history;
}

/** Mean answered share of new connections of the other NICs that have recent facts; undefined without any. */
function othersRatio(state: State, nic: number, now: number, mostMs: number): number | undefined {
  let sum = 0;
  let count = 0;
  for (let other = 0; other < state.topology.nics.length; other++) {
    const sample = other === nic ? undefined : latest(state, other, now, mostMs);
    if (sample === undefined || state.nics.carrier[other] === 0) continue;
    sum += sample.ratio;
    count++;
  }
  return count === 0 ? undefined : sum / count;
}

/** What the data plane shows of a NIC whose probes fail. */
export type Shown = 'works' | 'fails' | 'unknown';

/** Samples from before the suspicion that make a share usual. */
const LEAST_USUAL = 3;

/** The answered share that a NIC is compared with: that of the other NICs, or without any its own of before. */
function expectedRatio(state: State, nic: number, now: number): number | undefined {
  const others = othersRatio(state, nic, now, state.rules.dataplane_source_ms);
  if (others !== undefined) return others;
  const since = state.nics.suspectT[nic]!;
  const before = state.nics.dataplane[nic]!.filter(({ t }) => t <= since);
  return before.length < LEAST_USUAL ? undefined : median(before, ({ ratio }) => ratio);
}

/**
 * Whether a NIC's data plane works although its probes fail; `unknown` without a fact that can tell. Only one whose whole time
 * lies behind the beginning of the suspicion can: what was counted before the fault proves nothing. A veto lasts as long as the
 * NIC's data plane counts as one that can tell: `lasting`.
 */
export function dataplaneShows(state: State, nic: number, now: number, lasting: boolean): Shown {
  const { rules, nics } = state;
  const since = nics.suspectT[nic]!;
  const oldest = now - (lasting ? rules.dataplane_source_ms : rules.dataplane_fresh_ms);
  // A later one that began before the suspicion is of both times, and says nothing.
  const sample = nics.dataplane[nic]!.findLast(({ t, over }) => t > since && t - over >= since);
  if (since === 0 || sample === undefined || sample.t < oldest) return 'unknown';
  const expected = expectedRatio(state, nic, now);
  if (expected === undefined) return 'unknown';
  const before = usual(state, nic);
  const enough = rules.dataplane_rate_fraction;
  const { rx, tx, ratio } = sample;
  if (rx <= 0 || tx <= 0 || ratio < expected * (1 - rules.dataplane_ratio_tolerance)) return 'fails';
  const busy = rx >= enough * median(before, (s) => s.rx) && tx >= enough * median(before, (s) => s.tx);
  return busy ? 'works' : 'fails';
}

/** Whether the data plane behind a NIC can be asked at once, and has been heard lately: then it is worth waiting for. */
function canTell(state: State, nic: number, now: number): boolean {
  const sample = latest(state, nic, now, state.rules.dataplane_source_ms);
  return sample?.onRequest === 1 && expectedRatio(state, nic, now) !== undefined;
}

/**
 * Whether a NIC that fails by its probes is not judged yet, because its data plane may still say otherwise. `fails`: it does;
 * moves the clock of the rule. Never for longer than `dataplane_wait_ms`, and not when it is out of service already.
 */
export function waitsForDataplane(
  state: State,
  nic: number,
  now: number,
  { fails, shown }: { readonly fails: boolean; readonly shown: Shown },
): boolean {
  const waited = held(state.nics.waitSince, nic, fails, state.clock);
  if (!fails || isOut(state, nic) || waited >= state.rules.dataplane_wait_ms) return false;
  return shown === 'unknown' && canTell(state, nic, now);
}

/** NICs whose data plane should be asked now: suspected or failed by their probes, with a link. */
export function doubted({ nics, topology }: State): readonly number[] {
  const found: number[] = [];
  for (let nic = 0; nic < topology.nics.length; nic++) {
    if (nics.suspectT[nic]! > 0 && nics.carrier[nic] !== 0 && nics.everGood[nic] === 1) found.push(nic);
  }
  return found;
}

/**
 * How long, by the hold clock, the data plane has been working while the NIC is judged failed by its probes; -1 when it is not
 * so. A lost carrier is no matter of probes.
 */
export function provenMs(state: State, nic: number, vetoed: boolean): number {
  const { nics, clock } = state;
  const byProbes = nics.verdict[nic] === VERDICT.NIC_FAIL && nics.cause[nic] !== CAUSE.carrier;
  return held(nics.provenSince, nic, vetoed && byProbes, clock);
}

/** Whether a NIC carries traffic whose connections hardly ever get established, while those of the other NICs do. */
export function dataplaneCollapsed(state: State, nic: number, now: number): boolean {
  const { dataplane_fresh_ms: freshMs, dataplane_collapse_fraction: part } = state.rules;
  const sample = latest(state, nic, now, freshMs);
  if (sample === undefined || sample.rx <= 0) return false;
  const others = othersRatio(state, nic, now, freshMs);
  return others !== undefined && sample.ratio < others * part;
}

/**
 * The numbers that R11 compares, by name, and how old the fact is that they are of, which says nothing any more after
 * `dataplane_fresh_ms`; none as long as there is no fact about the NIC. Usual rates are medians of what is remembered.
 */
export function dataplaneNumbers(state: State, nic: number, now: number): Readonly<Record<string, number>> {
  const sample = state.nics.dataplane[nic]!.at(-1);
  if (sample === undefined) return {};
  const others = othersRatio(state, nic, sample.t, state.rules.dataplane_source_ms);
  const before = usual(state, nic);
  return {
    fact_age_s: (now - sample.t) / 1000,
    answered_ratio: sample.ratio,
    ...(others === undefined ? {} : { answered_ratio_others: others }),
    rx_pps: sample.rx,
    rx_pps_usual: median(before, ({ rx }) => rx),
    tx_pps: sample.tx,
    tx_pps_usual: median(before, ({ tx }) => tx),
  };
}
