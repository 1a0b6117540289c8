/** Metric families of the lanes, read from their boards. */
import { checkKinds } from '../checks/index.ts';
import { DURATION_BOUNDS, durationAt, HEARTBEAT, IN_FLIGHT, LATE_BOUNDS, lateAt, outcomeAt } from '../model/board.ts';
import { counter, type Family, family, gauge, histogram } from '../model/family.ts';
import { OUTCOMES } from '../model/outcome.ts';
import type { Lanes } from './lanes.ts';
import type { Lane } from './lane.ts';

const RESULTS = counter('check_results_total', 'Finished checks by NIC and outcome class.', ['nic', 'outcome']);
const DURATION = histogram(
  'check_duration_seconds',
  'Duration of checks; for good plain handshakes the kernel-measured handshake round trip.',
  ['nic', 'type'],
);
const LATE = histogram('check_late_seconds', 'How late checks started.', ['nic']);
const IN_FLIGHT_NOW = gauge('lane_checks_in_flight', 'Checks under way.', ['nic']);
const HEARTBEAT_AGE = gauge('lane_heartbeat_age_seconds', 'Time since the lane last turned.', ['nic']);
const STATE = gauge('lane_state', 'State of the lane; 1 for the present one.', ['nic', 'state']);
const RESTARTS = counter('lane_restarts_total', 'Restarts of the lane after its thread failed, hung or ended.', ['nic']);
const QUARANTINED = gauge(
  'lane_quarantined_cells',
  'Checks that are not made for a while because one of them held the lane or its helper.',
  ['nic'],
);
const HOLDS = counter('lane_holds_total', 'Checks that held the lane or its helper, by CPU time or for ever.', ['nic']);
const RESULTS_DROPPED = counter('lane_results_dropped_total', 'Results lost because the judge did not read them in time.', [
  'nic',
]);

const STATES = ['starting', 'running', 'restarting', 'stopped'] as const;

/** Families over all lanes of an agent; label rows are kept while the set of lanes is the same. */
export class LaneFamilies {
  readonly #lanes: Lanes;
  readonly #clock: () => number;
  #nics: readonly string[] = [];
  #rows: Record<'nic' | 'outcome' | 'type' | 'state', string[][]> = { nic: [], outcome: [], type: [], state: [] };

  constructor(lanes: Lanes, clock: () => number) {
    this.#lanes = lanes;
    this.#clock = clock;
  }

  families(): readonly Family[] {
    const lanes = this.#lanes.all;
    this.#label(this.#lanes.names);
    const each = (pick: (lane: Lane) => number) => Float64Array.from(lanes, pick);
    const all = (pick: (lane: Lane) => readonly number[]) => Float64Array.from(lanes.flatMap(pick));
    const now = this.#clock() | 0;
    const dropped = this.#lanes.dropped();
    const { nic, outcome, type, state } = this.#rows;
    const block = ({ board }: Lane, at: number, bounds: readonly number[]) => [
      ...board.counters.subarray(at, at + bounds.length + 2),
    ];
    return [
      family(
        RESULTS,
        outcome,
        all(({ board }) =>
          OUTCOMES.map((_, index) =>
            checkKinds.reduce((sum, __, checkKind) => sum + board.counters[outcomeAt(checkKind, index)]!, 0),
          ),
        ),
      ),
      family(
        DURATION,
        type,
        all((lane) => checkKinds.flatMap((_, k) => block(lane, durationAt(k), DURATION_BOUNDS))),
        DURATION_BOUNDS,
      ),
      family(
        LATE,
        nic,
        all((lane) => block(lane, lateAt(lane.board), LATE_BOUNDS)),
        LATE_BOUNDS,
      ),
      family(
        IN_FLIGHT_NOW,
        nic,
        each((l) => l.board.header[IN_FLIGHT]!),
      ),
      family(
        HEARTBEAT_AGE,
        nic,
        each((l) => Math.max(0, (now - l.board.header[HEARTBEAT]!) | 0) / 1000),
      ),
      family(
        STATE,
        state,
        all((lane) => STATES.map((s) => Number(lane.state === s))),
      ),
      family(
        RESTARTS,
        nic,
        each((l) => l.restarts),
      ),
      family(
        QUARANTINED,
        nic,
        each((l) => l.quarantine.count(this.#clock())),
      ),
      family(
        HOLDS,
        nic,
        each((l) => l.holds),
      ),
      family(RESULTS_DROPPED, nic, Float64Array.from(dropped)),
    ];
  }

  #label(names: readonly string[]): void {
    if (names.length === this.#nics.length && names.every((name, i) => name === this.#nics[i])) return;
    this.#nics = names;
    this.#rows = {
      nic: names.map((name) => [name]),
      outcome: names.flatMap((name) => OUTCOMES.map((o) => [name, o])),
      type: names.flatMap((name) => checkKinds.map((checkKind) => [name, checkKind.name])),
      state: names.flatMap((name) => STATES.map((s) => [name, s])),
    };
  }
}
