/** What a collector can export, named once: the source of docs/metrics.md and of every sample's family. */

export interface Metric {
  /** With the `fourlane_` prefix; counters end in `_total`, units are base units. */
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

/** A gauge, named without the prefix. */
export function gauge(name: string, help: string, labels: readonly string[] = []): Metric {
  return { name: `fourlane_${name}`, type: 'gauge', help, labels };
}

/** A counter, named without the prefix. */
export function counter(name: string, help: string, labels: readonly string[] = []): Metric {
  return { name: `fourlane_${name}`, type: 'counter', help, labels };
}

/** A histogram, named without the prefix; its bounds come with the samples. */
export function histogram(name: string, help: string, labels: readonly string[] = []): Metric {
  return { name: `fourlane_${name}`, type: 'histogram', help, labels };
}
