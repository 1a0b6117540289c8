/**
 * How synthetic values move: functions of the seconds since the start, alike for counters and gauges. Nothing random: two runs
 * agree.
 */

/** Label values of one series by label name. */
export type Labels = Readonly<Record<string, string>>;
/** Value of a series at `t` s. */
export type Move = (labels: Labels, t: number) => number;

/** Every 90 s, for 20 s, something goes wrong: on one core, and in the log queue behind it. */
const PERIOD = 90;
const LENGTH = 20;
const FROM = 10;
/** The core with more work than the others, and with the trouble. */
const HOT = '4';

export function troubled(t: number): boolean {
  const at = t % PERIOD;
  return at >= FROM && at < FROM + LENGTH;
}

/** Seconds of trouble until `t`. */
export function troubleUntil(t: number): number {
  return Math.floor(t / PERIOD) * LENGTH + Math.min(LENGTH, Math.max(0, (t % PERIOD) - FROM));
}

/** Differs between series, the same in every run: 0.8 … 1.2. */
function own(labels: Labels): number {
  let hash = 7;
  for (const c of Object.values(labels).join('/')) hash = (hash * 31 + c.charCodeAt(0)) % 1009;
  return 0.8 + (0.4 * hash) / 1009;
}

export function isHot(labels: Labels): boolean {
  return labels['core'] === HOT;
}

/** Integral of 1 + 0.3 cos(t / 20): traffic that rises and falls, and never stops. */
export function flowed(t: number): number {
  return t + 6 * Math.sin(t / 20);
}

/** A counter that grows by about `rate` per second, on the hot core by half more. */
export function flow(rate: number): Move {
  return (labels, t) => Math.floor(rate * own(labels) * (isHot(labels) ? 1.5 : 1) * flowed(t + 1000));
}

/** A counter that grows by `rate` per second of trouble; of cores, only the hot one's. */
export function trouble(rate: number): Move {
  return (labels, t) => ('core' in labels && !isHot(labels) ? 0 : Math.floor(rate * troubleUntil(t)));
}

/** A gauge around `middle`. */
export function around(middle: number, amplitude = 0.15 * middle): Move {
  return (labels, t) => middle * own(labels) + amplitude * Math.sin(t / 25 + 9 * own(labels));
}

/** `bad` in trouble (of cores, on the hot one), else `good`. */
export function either(good: number, bad: number): Move {
  return (labels, t) => (troubled(t) && (!('core' in labels) || isHot(labels)) ? bad : good);
}

export function always(value: number): Move {
  return () => value;
}

/** 1 for the series with this label value, 0 for its siblings. */
export function state(label: string, present: string): Move {
  return (labels) => Number(labels[label] === present);
}

/** By the value of a label. */
export function by(label: string, moves: Readonly<Record<string, Move>>): Move {
  return (labels, t) => (moves[labels[label] ?? ''] ?? always(0))(labels, t);
}

/** Whole numbers only. */
export function whole(move: Move): Move {
  return (labels, t) => Math.round(move(labels, t));
}
