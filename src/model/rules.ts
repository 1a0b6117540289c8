/**
 * Every threshold of the judge: one table for config `rules:`, for the header of an evidence log, and for docs/attribution.md.
 */

export interface Rule {
  readonly value: number;
  /** `rounds` = multiples of the interval T, so that the rules scale with it. */
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
}

const rule = (value: number, unit: string, min: number, max: number, meaning: string): Rule => ({
  value,
  unit,
  min,
  max,
  meaning,
});
const fraction = (value: number, meaning: string) => rule(value, 'fraction', 0, 1, meaning);
const rounds = (value: number, meaning: string) => rule(value, 'rounds', 0, 1000, meaning);
const ms = (value: number, meaning: string) => rule(value, 'ms', 0, 86_400_000, meaning);
const count = (value: number, unit: string, meaning: string) => rule(value, unit, 1, 1_000_000, meaning);

const TABLE = {
  fall_adaptive_max: rule(
    8,
    'results',
    1,
    64,
    'R1: bad results in a row a cell may need at most when the baseline loss raises `fall`',
  ),
  baseline_memory_ms: rule(600_000, 'ms', 1000, 86_400_000, 'R1: time constant of the baseline loss'),
  stale_rounds: rounds(0.2, 'R0: a cell without a valid result for T + timeout + this is UNKNOWN'),
  blind_fraction: fraction(0.5, 'R0: more UNKNOWN cells than this: AGENT_STALLED'),
  debounce_ms: ms(50, 'R2: carrier lost, or ENETDOWN seen, for this long: NIC_FAIL(carrier)'),
  nic_min_witnesses: count(3, 'real servers', 'R3, R4, R5: with fewer witnesses a NIC is judged only together with its anchors'),
  nic_fail_fraction: fraction(0.9, 'R3: failing witness cells for NIC_FAIL'),
  nic_hold_rounds: rounds(0.5, 'R3: how long this must hold'),
  partial_fraction: fraction(0.2, 'R4: failing witness cells for NIC_PARTIAL'),
  partial_min_failing: count(2, 'cells', 'R4: with fewer failing cells it is a PATH'),
  partial_hold_rounds: rounds(3, 'R4: how long this must hold'),
  lossy_window_rounds: rule(10, 'rounds', 1, 200, 'R4b: window of the loss statistics'),
  lossy_mixed_rounds: rounds(5, 'R4b: only cells with a good result this recent count as lossy'),
  lossy_min_results: count(20, 'results', 'R4b: least results in the window'),
  lossy_fraction: fraction(0.1, 'R4b: loss for NIC_PARTIAL(lossy)'),
  lossy_z: rule(4, 'sigma', 0, 100, 'R4b: least two-proportion z against the other NICs on the same real servers'),
  lossy_alternation: fraction(
    0.5,
    'R4b: least share of the good/bad alternations that random loss would show; an outage shows fewer',
  ),
  lossy_hold_rounds: rounds(0.5, 'R4b: how long this must hold'),
  lossy_fail_fraction: fraction(0.5, 'R4b: loss for NIC_FAIL(lossy)'),
  lossy_fail_others_max: fraction(0.1, 'R4b: the other NICs must lose less than this for NIC_FAIL(lossy)'),
  lossy_fail_hold_rounds: rounds(3, 'R4b: how long this must hold'),
  suspect_fraction: fraction(0.5, 'R5: witnesses whose latest result is bad for a NIC to be suspect'),
  suspect_hold_rounds: rounds(0.7, 'R5: how long a suspicion must hold before SUSPECT is published'),
  rs_hold_rounds: rounds(0.5, 'R6: how long all cells on trusted NICs must be FAIL for RS_DOWN'),
  path_row_fraction: fraction(0.9, 'R7: latest bad results in the row from which PATH is left to the NIC rules'),
  path_hold_rounds: rounds(0.5, 'R7: how long the cell must be FAIL'),
  rack_fraction: fraction(0.8, 'R8: real servers of a rack going down together for RACK_FAULT'),
  rack_min_real_servers: count(3, 'real servers', 'R8: least size of a rack'),
  rack_window_rounds: rounds(2, 'R8: together means within this'),
  rack_others_max: fraction(0.2, 'R8: real servers down outside the rack must be fewer than this'),
  rack_clear_fraction: fraction(0.5, 'R8: RACK_FAULT ends when fewer of its real servers are down'),
  storm_fraction: fraction(0.5, 'R10: latest bad results on non-suspect NICs that start a storm'),
  storm_min_real_servers: count(3, 'real servers', 'R10: least real servers with bad results, unless all have them'),
  storm_hold_rounds: rounds(3, 'R10: new RS and PATH verdicts wait T + timeout + this from the start of a storm'),
  dataplane_fresh_ms: ms(10_000, 'R11: how old a data-plane fact may be'),
  dataplane_wait_ms: ms(
    2000,
    'R11: how long NIC_FAIL, but for a lost carrier, waits at most for a data plane that can be asked at once',
  ),
  dataplane_source_ms: ms(
    30_000,
    'R11: how recent the last fact about a NIC must be for its data plane to be waited for, for the NIC to be compared with, ' +
      'and for a veto to last',
  ),
  dataplane_memory_ms: rule(600_000, 'ms', 10_000, 86_400_000, 'R11: window of the trailing median of packet rates'),
  dataplane_rate_fraction: fraction(0.5, 'R11: rx and tx at least this share of their median veto NIC_FAIL'),
  dataplane_ratio_tolerance: fraction(
    0.1,
    'R11: answered share of new connections may be this much below the other NICs for the veto',
  ),
  dataplane_collapse_fraction: fraction(
    0.5,
    'R11: answered share below this part of that of other NICs, with good probes: DATA_PATH_FAULT',
  ),
  routing_fresh_ms: ms(15_000, 'R15: how old what routing daemons show of a NIC may be'),
  dataplane_hold_rounds: rounds(3, 'R11: how long a collapse must hold'),
  max_nics_fraction: fraction(0.5, 'R12: at most this share of the NICs is disabled, rounded down, never the last'),
  panic_min_real_servers: count(
    4,
    'real servers',
    'R12: services with fewer keep one real server instead of their `panic` share',
  ),
  budget_fraction: fraction(0.2, 'R12: share of the real servers of a service that may be disabled per window; at least one'),
  budget_real_servers: count(500, 'real servers', 'R12: real servers that may be disabled per window by this agent'),
  budget_window_ms: rule(10_000, 'ms', 1, 86_400_000, 'R12: that window'),
  nic_recover_fraction: fraction(
    0.1,
    'R13: failing witness cells at most for a NIC to recover; one failing cell of three or more never hinders',
  ),
  nic_recover_loss: fraction(0.05, 'R13: loss must be below this'),
  nic_recover_ms: ms(10_000, 'R13: how long both must hold'),
  nic_hold_down_ms: ms(10_000, 'R13: least time a NIC stays failed; doubles with each flap'),
  nic_hold_down_max_ms: ms(600_000, 'R13: most it grows to'),
  rs_hold_down_ms: ms(5000, 'R13: least time a real server or path stays out; doubles with each flap'),
  rs_hold_down_max_ms: ms(300_000, 'R13: most it grows to'),
  flap_window_ms: ms(1_800_000, 'R13: flaps are counted over this time'),
  flap_limit: count(4, 'faults', 'R13: this many faults in that time: FLAPPING'),
  flapping_weight: fraction(0.25, 'R13: most weight of a flapping real server'),
  slow_start_ms: ms(30_000, 'R13: time a real server takes back to full weight'),
  slow_start_weight: fraction(0.1, 'R13: its first weight'),
  fleet_fresh_ms: ms(15_000, 'R14: how old the last word of the other load balancers may be'),
  fleet_min_witnesses: count(3, 'load balancers', 'R14: with fewer that can tell, nothing is known of a real server'),
  fleet_reachable_fraction: fraction(0.66, 'R14: share of them that find a real server good for it to be reachable elsewhere'),
  fleet_unreachable_fraction: fraction(0.34, 'R14: share at most for it to be unreachable everywhere'),
  fleet_hold_rounds: rounds(2, 'R14: how long what they say must hold, and'),
  fleet_hold_ms: ms(2500, 'R14: this much longer, because their word takes a while to come'),
  fleet_ill_fraction: fraction(0.5, 'R14: share of the real servers that is bad here and reachable elsewhere for AGENT_ILL'),
  fleet_ill_min_real_servers: count(3, 'real servers', 'R14: least number of such real servers'),
  fleet_ill_clear_fraction: fraction(0.25, 'R14: AGENT_ILL ends when the share is less'),
  fleet_memory_ms: ms(600_000, 'R14: without any word of the others AGENT_ILL ends after this long'),
} satisfies Readonly<Record<string, Rule>>;

export type RuleName = keyof typeof TABLE;
export type Rules = Readonly<Record<RuleName, number>>;
export const RULES: Readonly<Record<string, Rule>> = TABLE;

const DEFAULTS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(RULES).map(([name, { value }]) => [name, value]),
);

/** The thresholds in force: defaults with overrides. Throws RangeError naming the entry, its value and what is allowed. */
export function resolveRules(overrides: Readonly<Record<string, number>>): Rules {
  const out = { ...DEFAULTS };
  for (const [name, value] of Object.entries(overrides)) {
    const known = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (known === undefined) throw new RangeError(`no rule "${name}"; the rules are ${Object.keys(RULES).join(', ')}`);
    if (typeof value !== 'number' || !(value >= known.min && value <= known.max)) {
      throw new RangeError(`rule ${name} is ${JSON.stringify(value)}; it must be ${known.min} … ${known.max} ${known.unit}`);
    }
    out[name] = value;
  }
  return out as unknown as Rules;
}
