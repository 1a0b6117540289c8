/**
 * Why a rollout halts by itself, beside a server that refuses or fails: poison, a server lost, drift, and real servers that are
 * bad where the new release runs and good where it does not.
 */
import type { Presence } from '../roster/presence.ts';
import type { Applied } from '../values.ts';

/** What a server finds bad; undefined = it does not say, or may not be asked (frozen, blind). */
export type BadOf = (server: string) => ReadonlySet<string> | undefined;

export interface HaltView {
  readonly root: string;
  /** Servers that have the new release, and those of the later rings. */
  readonly applied: readonly string[];
  readonly others: readonly string[];
  readonly presence: (server: string) => Presence;
  readonly values: ReadonlyMap<string, Applied>;
  /** Why the root is poison. */
  readonly poison?: string | undefined;
  readonly excused: ReadonlySet<string>;
  readonly bad: BadOf;
  /** Whether a server doubts itself rather than its real servers: isolated, ill, or all of them are down. */
  readonly doubts: (server: string) => boolean;
  /** Real servers of each service, in the new release and in the one before; `panic` is the share that must stay. */
  readonly services: readonly ServiceShape[];
  /** What was bad on the first ring and good elsewhere before anything was applied. */
  readonly baseline: ReadonlySet<string>;
}

export interface ServiceShape {
  readonly name: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly panic: number;
}

/** Share of the servers that can tell, for either side of a comparison. */
const MOST_AGREE = 2 / 3;
/** Servers without the release that must be able to tell. */
const LEAST_OTHERS = 2;

/** Why the rollout must halt; the first is shown. */
export function haltCauses(view: HaltView): readonly string[] {
  const found: string[] = [];
  if (view.poison !== undefined) found.push(`the release is poison: ${view.poison}`);
  for (const server of view.applied) {
    if (view.excused.has(server)) continue;
    const present = view.presence(server);
    if (present.is === 'absent') found.push(`${server} is lost since ${Math.round(present.forMs / 1000)} s`);
    const value = view.values.get(server);
    if (value?.running === view.root && value.drift.count > 0)
      found.push(`${server}: the data plane differs from the plan in ${value.drift.count} places`);
  }
  return [...found, ...doubting(view), ...regressions(view)];
}

/** Who doubts itself says nothing of its real servers: that it does so with the release, and few others do, says enough. */
function doubting({ applied, others, excused, doubts }: HaltView): string[] {
  const doubtful = applied.filter((server) => !excused.has(server) && doubts(server));
  const alike = others.filter(doubts).length;
  if (doubtful.length === 0 || others.length < LEAST_OTHERS || alike > (1 - MOST_AGREE) * others.length) return [];
  return [`it doubts itself with the release, and those without it do not: ${some(doubtful)}`];
}

const told = (servers: readonly string[], bad: BadOf) => servers.map(bad).filter((each) => each !== undefined);
const share = (sets: readonly ReadonlySet<string>[], id: string) => sets.filter((bad) => bad.has(id)).length / sets.length;

/**
 * Real servers that two thirds of the ones find bad and at most one third of the others, in order; none when too few can tell.
 */
function onlyThere(here: readonly ReadonlySet<string>[], there: readonly ReadonlySet<string>[]): string[] {
  if (here.length === 0 || there.length < LEAST_OTHERS) return [];
  const all = [...new Set(here.flatMap((bad) => [...bad]))].toSorted();
  return all.filter((id) => share(here, id) >= MOST_AGREE && share(there, id) <= 1 - MOST_AGREE);
}

/** What the servers of the first ring miss and the others do not, before anything is applied: no fault of the release. */
export function baselineOf(first: readonly string[], others: readonly string[], bad: BadOf): readonly string[] {
  return onlyThere(told(first, bad), told(others, bad));
}

/** What got worse with the release, and only with it. */
function regressions(view: HaltView): string[] {
  const [here, there] = [told(view.applied, view.bad), told(view.others, view.bad)];
  if (here.length === 0 || there.length < LEAST_OTHERS) return [];
  const worse = onlyThere(here, there).filter((id) => !view.baseline.has(id) && isShared(view, id));
  const isDown = (sets: readonly ReadonlySet<string>[], ids: readonly string[], panic: number) =>
    ids.length > 0 &&
    sets.filter((bad) => ids.filter((id) => !bad.has(id)).length < panic * ids.length).length >= MOST_AGREE * sets.length;
  const down = view.services
    .filter(({ panic, before, after }) => isDown(here, after, panic) && !isDown(there, before, panic))
    .map(({ name }) => name);
  return [
    ...(down.length === 0 ? [] : [`below its panic share where the release runs, and nowhere else: ${some(down)}`]),
    ...(worse.length === 0 ? [] : [`bad where the release runs, good where it does not: ${some(worse)}`]),
  ];
}

/** Whether the others have the real server at all: what is new says nothing of them. */
function isShared({ services }: HaltView, id: string): boolean {
  return services.some(({ before, after }) => before.includes(id) && after.includes(id));
}

const some = (ids: readonly string[]) =>
  ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ');
