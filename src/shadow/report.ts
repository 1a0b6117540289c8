/** What a shadow has seen, as text for people: who was first, what only one of them did, and where they differ now. Pure. */
import { type Change, type Difference, type Ended, outFor, WHO, type Who } from './comparison.ts';
import type { ShadowView } from './ledger.ts';

export interface ReportTexts {
  /** A moment of the agent's clock as wall time. */
  readonly time: (t: number) => string;
  readonly duration: (seconds: number) => string;
}

const MOST = 10;
const count = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
const times = (n: number) => (n === 1 ? 'once' : `${n} times`);
const DONE: Readonly<Record<Change, string>> = { out: 'removal', in: 'return' };

/** @param now ms of the clock that the view's times are of */
export function shadowReport(view: ShadowView, now: number, { time, duration }: ReportTexts): string {
  const { since, compared, agreeing, events, problem } = view;
  const head = `Shadow of keepalived since ${time(since)}: `;
  const done = past(events, duration);
  if (problem !== '') return `${[`${head}nothing is compared now: ${problem}`, ...done].join('\n')}\n`;
  const differ = agreeing === compared ? 'all agree' : `${compared - agreeing} differ now`;
  const rows = view.differences.map((difference) => `  ${differing(difference, now, duration)}`);
  const more = view.differing > rows.length ? [`  and ${view.differing - rows.length} more`] : [];
  const present = `${head}${count(compared, 'real server')} compared, ${differ}.`;
  return `${[present, ...done, ...(rows.length === 0 ? [] : ['Now different:', ...rows, ...more])].join('\n')}\n`;
}

function past(events: readonly Ended[], duration: ReportTexts['duration']): string[] {
  if (events.length === 0) return ['Nothing has been taken out or put in by either of them.'];
  return (['out', 'in'] as const).flatMap((change) => {
    const ofChange = events.filter((event) => event.change === change);
    const both = ofChange.filter(({ how }) => how !== 'reverted');
    const together = both.filter(({ how }) => how === 'together').length;
    const first = [
      ...WHO.flatMap((who) => lead(both, who, duration) ?? []),
      ...(together === 0 ? [] : [`within the same second ${times(together)}`]),
    ];
    const line = both.length === 0 ? [] : [`${count(both.length, DONE[change])} by both: ${first.join('; ')}.`];
    return [...line, ...WHO.flatMap((who) => alone(ofChange, who, { change, duration }))];
  });
}

function lead(both: readonly Ended[], who: Who, duration: ReportTexts['duration']): string | undefined {
  const leads = both.filter(({ first }) => first === who).map(({ ms }) => ms);
  if (leads.length === 0) return undefined;
  const median = leads.toSorted((a, b) => a - b)[leads.length >> 1]!;
  return `${who} first ${times(leads.length)}, by ${duration(median / 1000)} in the median`;
}

function alone(
  events: readonly Ended[],
  who: Who,
  { change, duration }: { readonly change: Change; readonly duration: ReportTexts['duration'] },
): string[] {
  const own = events.filter(({ how, first }) => how === 'reverted' && first === who);
  const groups = [...Map.groupBy(own, ({ why }) => why)].toSorted((a, b) => b[1].length - a[1].length);
  return groups.slice(0, MOST).map(([why, of]) => {
    const longest = Math.max(...of.map(({ ms }) => ms));
    const what = `${count(of.length, DONE[change])} by ${who} alone${meaning(why, who, change)}`;
    return `${what}; the longest lasted ${duration(longest / 1000)}.`;
  });
}

/** What fourlane knew meanwhile. */
function meaning(why: string, who: Who, change: Change): string {
  if (who === 'fourlane' || change === 'in') return why === '' ? '' : `: ${why}`;
  const nic = /^(?:NIC_\w+|PATH)\S* (.+)$/.exec(why)?.[1];
  if (nic !== undefined) return `: of ${why}, which fourlane would have limited to ${nic}`;
  return why === '' ? ', for which fourlane saw no fault' : `: ${why}`;
}

function differing(difference: Difference, now: number, duration: ReportTexts['duration']): string {
  const { service, realServer, since, why } = difference;
  const out = outFor(difference);
  const other = WHO.find((who) => who !== out)!;
  const known = why === '' ? 'fourlane knows nothing against it' : why;
  return `${realServer} of ${service}: out for ${out}, in service for ${other}, for ${duration((now - since) / 1000)} (${known})`;
}
