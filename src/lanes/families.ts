/** Metric families of the lanes, read from their boards. */
import { checkKinds } from '../checks/index.ts';
import { DURATION_BOUNDS, durationAt, HEARTBEAT, IN_FLIGHT, LATE_BOUNDS, lateAt, outcomeAt } from '../model/board.ts';
import type { Family } from '../model/family.ts';
import { OUTCOMES } from '../model/outcome.ts';
import type { Lanes } from './lanes.ts';
import type { Lane } from './lane.ts';

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
    const now = this.#clock() | 0;
    const dropped = this.#lanes.dropped();
    const { nic, outcome, type, state } = this.#rows;
    const gauge = (name: string, help: string, values: Float64Array): Family => ({
      name,
      help,
      type: 'gauge',
      labelNames: ['nic'],
      rows: nic,
      values,
    });
    return [
      {
        name: 'fourlane_check_results_total',
        help: 'Finished checks by NIC and outcome class.',
        type: 'counter',
        labelNames: ['nic', 'outcome'],
        rows: outcome,
        values: Float64Array.from(
          lanes.flatMap((lane) =>
            OUTCOMES.map((_, o) => checkKinds.reduce((sum, __, k) => sum + lane.board.counters[outcomeAt(k, o)]!, 0)),
          ),
        ),
      },
      {
        name: 'fourlane_check_duration_seconds',
        help: 'Duration of checks; for good plain handshakes the kernel-measured handshake round trip.',
        type: 'histogram',
        labelNames: ['nic', 'type'],
        rows: type,
        bounds: DURATION_BOUNDS,
        values: Float64Array.from(
          lanes.flatMap((lane) =>
            checkKinds.flatMap((_, k) => [
              ...lane.board.counters.subarray(durationAt(k), durationAt(k) + DURATION_BOUNDS.length + 2),
            ]),
          ),
        ),
      },
      {
        name: 'fourlane_check_late_seconds',
        help: 'How late checks started.',
        type: 'histogram',
        labelNames: ['nic'],
        rows: nic,
        bounds: LATE_BOUNDS,
        values: Float64Array.from(
          lanes.flatMap(({ board }) => [...board.counters.subarray(lateAt(board), lateAt(board) + LATE_BOUNDS.length + 2)]),
        ),
      },
      gauge(
        'fourlane_lane_checks_in_flight',
        'Checks under way.',
        each((l) => l.board.header[IN_FLIGHT]!),
      ),
      gauge(
        'fourlane_lane_heartbeat_age_seconds',
        'Time since the lane last turned.',
        each((l) => Math.max(0, (now - l.board.header[HEARTBEAT]!) | 0) / 1000),
      ),
      {
        name: 'fourlane_lane_state',
        help: 'State of the lane; 1 for the present one.',
        type: 'gauge',
        labelNames: ['nic', 'state'],
        rows: state,
        values: Float64Array.from(lanes.flatMap((lane) => STATES.map((s) => Number(lane.state === s)))),
      },
      {
        name: 'fourlane_lane_restarts_total',
        help: 'Restarts of the lane after its thread failed, hung or ended.',
        type: 'counter',
        labelNames: ['nic'],
        rows: nic,
        values: each((l) => l.restarts),
      },
      {
        name: 'fourlane_lane_results_dropped_total',
        help: 'Results lost because the judge did not read them in time.',
        type: 'counter',
        labelNames: ['nic'],
        rows: nic,
        values: Float64Array.from(dropped),
      },
    ];
  }

  #label(names: readonly string[]): void {
    if (names.length === this.#nics.length && names.every((n, i) => n === this.#nics[i])) return;
    this.#nics = names;
    this.#rows = {
      nic: names.map((n) => [n]),
      outcome: names.flatMap((n) => OUTCOMES.map((o) => [n, o])),
      type: names.flatMap((n) => checkKinds.map((k) => [n, k.name])),
      state: names.flatMap((n) => STATES.map((s) => [n, s])),
    };
  }
}
