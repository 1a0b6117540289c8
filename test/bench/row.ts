/**
 * Lines of the bench tables and their verdicts. Pure. A row passes only on proof: its preconditions hold, its numbers are finite,
 * and its targets are met. Without proof it is void, and void counts as a miss.
 */

/** What must be true for a number to mean anything, as measured in the same run. */
export interface Precondition {
  readonly what: string;
  readonly holds: boolean;
}

/** The same kind of work done plainly, beside the row in the same run: a slow machine slows both, a regression only the row. */
export interface Calibration {
  readonly what: string;
  /** In the unit of the row. */
  readonly value: Measured;
  /** The row may be this many times the calibration, plus `plus`. */
  readonly times: number;
  /** In the unit of the row; 0 when absent. */
  readonly plus?: number;
}

/** JSON has no NaN and no Infinity: what a process of its own could not measure arrives as null. */
type Measured = number | null | undefined;

interface Value {
  readonly what: string;
  /** Smaller is better. */
  readonly value: Measured;
  readonly unit: string;
  readonly needs: readonly Precondition[];
}

/**
 * One line. With a calibration the ratio decides everywhere, and the absolute limit too on a quick machine; without one the limit
 * decides everywhere.
 */
export type Row = Value &
  ({ readonly calibration: Calibration; readonly limit?: number } | { readonly calibration?: undefined; readonly limit: number });

export type Verdict =
  | { readonly is: 'pass' }
  | { readonly is: 'miss'; readonly why: string }
  | { readonly is: 'void'; readonly why: string };

/** Number of checks below which a share of them means nothing. */
const ENOUGH = 1000;
const GOOD_SHARE = 0.999;

/**
 * What makes a machine quick; absolute limits are for such a one: C connects at a given pace for at most this many µs of CPU
 * each,
 */
export const QUICK_FLOOR_US = 30;
/**
 * and a plain pass over 120 000 cells within this many ms. Where the limits were set it was not measured; the judge's pass, of
 * which it is 0.7 to 0.85, took 3.8 ms there.
 */
export const QUICK_PASS_MS = 3.5;

/**
 * The precondition of every row that counts checks: enough of them, and 99.9 % good.
 * @param checks of the time before any event
 */
export function mostlyGood(whose: string, checks: { readonly ok: Measured; readonly probes: Measured }): Precondition {
  const { ok, probes } = checks;
  if (!measured(ok) || !measured(probes) || probes < ENOUGH)
    return { what: `${whose}: at least ${ENOUGH} checks (${probes})`, holds: false };
  const share = ok / probes;
  return {
    what: `${whose}: ${100 * GOOD_SHARE} % of checks good (${(100 * share).toFixed(2)} %)`,
    // Those in flight when counting begins are good without having been counted as begun.
    holds: share >= GOOD_SHARE && share <= 2 - GOOD_SHARE,
  };
}

/** The verdict on a row. @param quick whether this run's machine is quick, see `QUICK_FLOOR_US` */
export function verdictOf(row: Row, quick: boolean): Verdict {
  const missing = row.needs.find((need) => !need.holds);
  if (missing !== undefined) return { is: 'void', why: `not so: ${missing.what}` };
  const { value, calibration, limit } = row;
  if (!measured(value)) return { is: 'void', why: `no number: ${value}` };
  if (value < 0) return { is: 'void', why: 'below 0' };
  if (calibration !== undefined) {
    if (!measured(calibration.value) || calibration.value <= 0)
      return { is: 'void', why: `no calibration: ${calibration.what} ${calibration.value}` };
    if (value > calibration.times * calibration.value + (calibration.plus ?? 0))
      return { is: 'miss', why: 'above its ratio to the calibration' };
  }
  const absolute = calibration === undefined || quick;
  if (absolute && limit !== undefined && value > limit) return { is: 'miss', why: 'above its limit' };
  return { is: 'pass' };
}

/** The table of rows with their verdicts, as Markdown. @param quick see `verdictOf` */
export function tableOf(rows: readonly Row[], quick: boolean): string {
  const head = ['| what | measured | limit | calibration | ratio | target | |', '|---|---|---|---|---|---|---|'];
  return [...head, ...rows.map((row) => `| ${cells(row, quick).join(' | ')} |`)].join('\n');
}

function cells(row: Row, quick: boolean): string[] {
  const { what, value, unit, calibration, limit } = row;
  const verdict = verdictOf(row, quick);
  return [
    what,
    withUnit(value, unit),
    limit === undefined ? '' : `≤ ${withUnit(limit, unit)}`,
    ...(calibration === undefined ? ['', '', ''] : ratioCells(calibration, value, unit)),
    verdict.is === 'pass' ? 'pass' : `**${verdict.is}**: ${verdict.why}`,
  ];
}

function ratioCells(calibration: Calibration, value: Measured, unit: string): string[] {
  const base = calibration.value;
  const ratio = measured(value) && measured(base) && base > 0 ? `${format(value / base)} ×` : '–';
  const plus = calibration.plus === undefined ? '' : ` + ${withUnit(calibration.plus, unit)}`;
  return [`${calibration.what}: ${withUnit(base, unit)}`, ratio, `≤ ${format(calibration.times)} ×${plus}`];
}

function measured(value: Measured): value is number {
  return Number.isFinite(value);
}

function withUnit(value: Measured, unit: string): string {
  return measured(value) ? `${format(value)} ${unit}`.trimEnd() : '–';
}

/** Two decimals at most; three digits below 0.1, so that small shares can be seen. */
function format(n: number): string {
  if (n >= 100) return n.toFixed(0);
  return Math.abs(n) < 0.1 && n !== 0 ? String(Number(n.toPrecision(2))) : n.toFixed(2).replace(/\.?0+$/, '');
}
