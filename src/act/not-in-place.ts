/** Effects that are not in place although a call was made for them, or none can be: a series each, for alerts to name them. */
import { type Family, family, gauge } from '../model/family.ts';
import { effectText } from '../model/subject.ts';
import { type PendingEffect, withoutPaths } from './report.ts';
import { valueOf } from './value.ts';

const SINCE = gauge(
  'action_not_in_place_since_timestamp_seconds',
  'Since when the effect is wanted without being in place, of those that failed or can not be carried out; the 20 oldest.',
  ['actuator', 'subject', 'wanted', 'actual', 'why'],
);
/** Longest `why`, characters: the log has all of it. */
const MOST_WHY = 200;

/** Whether somebody should look: not what is only on its way. */
export function isFailing({ state, failures }: PendingEffect): boolean {
  return state === 'unsupported' || failures > 0;
}

/** `weight 0` of `disabled 0`, `failed`; `not known` without a value. */
export function valueText(value: string | undefined): string {
  if (value === undefined) return 'not known';
  const [, weight] = /^\w+ (\d+)$/.exec(value) ?? [];
  return weight === undefined ? value : `weight ${weight}`;
}

/** @param wallOffsetMs added to a ms of the clock it gives a Unix ms */
export function notInPlace(effects: readonly PendingEffect[], wallOffsetMs: number): Family {
  const rows = new Map<string, { readonly labels: readonly string[]; readonly since: number }>();
  for (const { effect, actual, error, since } of effects) {
    const why = withoutPaths(error).slice(0, MOST_WHY);
    const labels = [effect.spec.type, effectText(effect), valueText(valueOf(effect)), valueText(actual), why];
    if (!rows.has(labels.join('\0'))) rows.set(labels.join('\0'), { labels, since });
  }
  const all = [...rows.values()];
  return family(
    SINCE,
    all.map(({ labels }) => labels),
    all.map(({ since }) => Math.round(since + wallOffsetMs) / 1000),
  );
}
