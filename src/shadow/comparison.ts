/**
 * Two deciders over the same real servers: fourlane, and the controller whose weights are in the data plane. Which of them takes
 * out what, who is first, and what only one of them does. Pure: a value in, a value out; times are ms of one clock.
 */

export const WHO = ['fourlane', 'keepalived'] as const;
export type Who = (typeof WHO)[number];
export const CHANGES = ['out', 'in'] as const;
export type Change = (typeof CHANGES)[number];

/** A real server of a service at one moment. */
export interface Sight {
  readonly service: string;
  readonly realServer: string;
  /** In service, as each of them wants it. */
  readonly in: Readonly<Record<Who, boolean>>;
  /** When each has come to want that, where it is known better than by this look. */
  readonly at?: Readonly<Partial<Record<Who, number>>>;
  /** What fourlane knows against it, such as `RS_DOWN` or `NIC_FAIL eth3`; '' = nothing. */
  readonly why: string;
}

/** Somebody has changed his mind, and the other one has not (yet). */
export interface Difference {
  readonly service: string;
  readonly realServer: string;
  readonly first: Who;
  readonly change: Change;
  readonly since: number;
  /** What fourlane knew against it at any time since. */
  readonly why: string;
}

/** How it ended: the other one did the same, or who was first took it back. */
export const ENDS = ['followed', 'reverted'] as const;

/** `together`: both have done it between two looks, so that nobody was first. */
export interface Ended extends Omit<Difference, 'first'> {
  readonly first: Who | 'both';
  readonly how: (typeof ENDS)[number] | 'together';
  readonly ms: number;
}

/** Which of them has it out while they differ. */
export function outFor({ first, change }: Pick<Difference, 'first' | 'change'>): Who {
  return change === 'out' ? first : WHO.find((who) => who !== first)!;
}

interface Pair {
  readonly in: Readonly<Record<Who, boolean>>;
  readonly difference?: Difference;
}

/** Real servers by service and name. */
export type Pairs = ReadonlyMap<string, Pair>;

/** One look at all of them. Real servers that are not seen are forgotten. @returns what is known after it, and what has ended */
export function compare(
  pairs: Pairs,
  sights: Iterable<Sight>,
  now: number,
): { readonly pairs: Pairs; readonly ended: readonly Ended[] } {
  const next = new Map<string, Pair>();
  const ended: Ended[] = [];
  for (const sight of sights) {
    const key = `${sight.service} ${sight.realServer}`;
    const known = pairs.get(key);
    const difference = differenceOf(known, sight, now);
    const before = known?.difference;
    if (before !== undefined && difference?.since !== before.since) ended.push(end(before, sight, now));
    if (known !== undefined && before === undefined && difference === undefined) ended.push(...together(known, sight, now));
    next.set(key, difference === undefined ? { in: sight.in } : { in: sight.in, difference });
  }
  return { pairs: next, ended };
}

function differenceOf(known: Pair | undefined, sight: Sight, now: number): Difference | undefined {
  const { service, realServer, why } = sight;
  if (sight.in.fourlane === sight.in.keepalived) return undefined;
  const before = known?.difference;
  if (before !== undefined) {
    const isSame = sight.in[before.first] === (before.change === 'in');
    // Both have changed their minds at once: it begins anew.
    if (isSame) return before.why === '' && why !== '' ? { ...before, why } : before;
  }
  // Seen for the first time, or both changed: who has it out counts as the first one.
  const out: Who = sight.in.fourlane ? 'keepalived' : 'fourlane';
  const changed = WHO.filter((who) => known !== undefined && sight.in[who] !== known.in[who]);
  const first = changed.length === 1 ? changed[0]! : out;
  const since = changed.length === 1 ? timeOf(sight, first, now) : now;
  return { service, realServer, first, change: sight.in[first] ? 'in' : 'out', since, why };
}

/** When one of them changed its mind, as this look sees it: never later than the look. */
function timeOf({ at }: Sight, who: Who, now: number): number {
  return Math.min(at?.[who] ?? now, now);
}

/** Both have changed their minds since the last look: nobody was first, unless both times are known. */
function together(known: Pair, { service, realServer, in: present, at, why }: Sight, now: number): Ended[] {
  if (known.in.fourlane === present.fourlane) return [];
  const event = { service, realServer, change: present.fourlane ? 'in' : 'out', why } as const;
  const [ours, theirs] = [at?.fourlane, at?.keepalived];
  if (ours === undefined || theirs === undefined || ours === theirs)
    return [{ ...event, first: 'both', since: now, how: 'together', ms: 0 }];
  const first = ours < theirs ? 'fourlane' : 'keepalived';
  return [{ ...event, first, since: Math.min(ours, theirs), how: 'followed', ms: Math.abs(ours - theirs) }];
}

function end(before: Difference, sight: Sight, now: number): Ended {
  const isFollowed = sight.in[before.first] === (before.change === 'in');
  const last = isFollowed ? WHO.find((who) => who !== before.first)! : before.first;
  const ms = Math.max(0, timeOf(sight, last, now) - before.since);
  return { ...before, why: before.why || sight.why, how: isFollowed ? 'followed' : 'reverted', ms };
}
