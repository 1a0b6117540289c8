/** Durations as text. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `1s`, `1.5s`, `2m`, `1h` → ms; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2]!]! : undefined;
}

/** ms → text in the largest unit that leaves a whole number: `500ms`, `90s`, `1h`. */
export function formatDuration(ms: number): string {
  const [unit, factor] = Object.entries(UNITS).findLast(([, f]) => ms % f === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}
