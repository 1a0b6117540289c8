/** What `release`, `rollout` and `rollback` share: asking for refusals, writing, beginning and leading a rollout, waiting. */
import { awaitApplied, type Awaited } from '../../cluster/api/await.ts';
import { changesOf, refusalTexts, type RingChange, ringsOf } from '../../cluster/api/changes.ts';
import { releaseAt } from '../../cluster/api/contents.ts';
import { clearAway } from '../../cluster/api/garbage.ts';
import { Lead } from '../../cluster/api/lead.ts';
import { baselineIn, isOver, leadRollout } from '../../cluster/api/lead-rollout.ts';
import { conflict, moveTo, refuseBesideRollout } from '../../cluster/api/pointers.ts';
import { nextNumber, publish, releaseFor, type ReleaseWish, signatureFrom } from '../../cluster/api/publish.ts';
import type { Content } from '../../cluster/release/content.ts';
import { packContent } from '../../cluster/release/release.ts';
import { beginRollout } from '../../cluster/rollout/begin.ts';
import type { Release, Rollout } from '../../cluster/values.ts';
import type { ClusterState } from '../../cluster/view/state.ts';
import { FourlaneError } from '../../model/errors.ts';
import { EXIT } from './exit.ts';
import type { Waiting } from './options.ts';
import { Progress } from './progress.ts';
import type { Session } from './session.ts';
import type { Asked } from './verb.ts';

export interface Prepared {
  readonly state: ClusterState;
  readonly content: Content;
  readonly changes: readonly RingChange[];
  /** As it would be made now. */
  readonly release: Release;
  readonly wish: ReleaseWish;
}

export type Wish = Omit<ReleaseWish, 'parent' | 'cluster' | 'author' | 'at' | 'signature'>;

/** What a content would be as a release, and what it would change. Writes nothing. */
export async function prepare(session: Session, content: Content, asked: Wish): Promise<Prepared> {
  const state = await session.state();
  if (ringsOf(state).length === 0)
    throw new FourlaneError(
      'CLUSTER_INVALID',
      'no server is expected; add one first: fourlane cluster roster set NAME --ring RING',
    );
  const newest = [...state.target.values()].toSorted((a, b) => b.mod - a.mod)[0]?.value;
  const made = { cluster: session.name, author: session.by, at: session.at(), parent: newest?.root ?? null };
  const [packed, n] = [packContent(content), nextNumber(state.release.keys())];
  const releases = [...state.release.values()].map(({ value }) => value);
  const signature = signatureFrom(releases, releaseFor(packed, n, { ...asked, ...made }));
  const wish: ReleaseWish = { ...asked, ...made, signature };
  const release = releaseFor(packed, n, wish);
  return { state, content, release, wish, changes: await changesOf(release, content, state, session.contents) };
}

/** Writes the release. Throws CLUSTER_INVALID with everything that forbids it. */
export async function make({ store }: Session, { changes, content, wish }: Prepared): Promise<Release> {
  const refused = refusalTexts(changes);
  if (refused.length > 0) throw new FourlaneError('CLUSTER_INVALID', `nothing was written: ${refused.join('\n  ')}`);
  return publish(store, content, wish);
}

/** That servers which trust a key will refuse it; '' = what runs is not signed either. */
export function unsignedText({ release, state }: Pick<Prepared, 'release' | 'state'>): string {
  if (release.signature !== undefined) return '';
  const runs = [...state.target.values()].map(({ value }) => state.release.get(String(value.release))?.value);
  const signed = runs.find((each) => each?.signature !== undefined);
  if (signed === undefined) return '';
  const refused = 'servers that trust a key refuse it; sign it with --sign-key';
  return `fourlane: release ${signed.n}, which runs, is signed, and this is not: ${refused}\n`;
}

/** Whether somebody else has moved a pointer or begun a rollout since. */
function isLate(before: ClusterState, now: ClusterState): boolean {
  const isMoved = [...before.target].some(([ring, { mod }]) => now.target.get(ring)?.mod !== mod);
  return isMoved || [...now.rollout.keys()].some((n) => !before.rollout.has(n));
}

/** Gives these rings the release at once. Rejects with CLUSTER_CONFLICT when somebody was first. @returns the revision */
export async function giveTo(
  session: Session,
  release: Release,
  rings: readonly string[],
  before: ClusterState,
): Promise<number> {
  const state = await session.state();
  const own = await session.contents.of(release);
  if (isLate(before, state)) throw await conflict(session.store, before, own);
  refuseBesideRollout(state);
  const { done, revision } = await session.store.commit(moveTo(release, rings, state));
  if (!done) throw await conflict(session.store, before, own);
  return revision;
}

/** Rings without a pointer get what the ring that was changed last must run, so that a rollout has something to go back to. */
export async function fillRings(session: Session, state: ClusterState): Promise<void> {
  const empty = ringsOf(state).filter((ring) => !state.target.has(ring));
  const newest = [...state.target.values()].toSorted((a, b) => b.mod - a.mod)[0];
  if (empty.length === 0 || newest === undefined) return;
  await giveTo(session, releaseAt(state, newest.value), empty, state);
}

/** Waits until the rings run what they were given. */
export async function awaitRings(
  session: Session,
  { io }: Asked,
  { rings, revision, waiting }: { readonly rings: readonly string[]; readonly revision: number; readonly waiting: Waiting },
): Promise<Awaited> {
  const progress = new Progress(io);
  const { clock } = session;
  try {
    const deadline = clock() + waiting.timeoutMs;
    const { tell: told, signal } = progress;
    const follow = session.follow();
    return await awaitApplied({ follow, rings, revision, clock, deadline, told, signal, allowAbsent: waiting.allowAbsent });
  } finally {
    progress.done();
  }
}

export interface Beginning {
  readonly stages: Rollout['stages'];
  readonly onHalt: Rollout['onHalt'];
  readonly allowAbsent: number;
}

/**
 * Begins a rollout; it goes on whoever leads it. Rejects with CLUSTER_CONFLICT when another one is live or somebody was first.
 * @param before pointers as they were when the release was made
 */
export async function begin(session: Session, release: Release, how: Beginning, before: ClusterState): Promise<number> {
  const { contents, store, by: startedBy } = session;
  await fillRings(session, await session.state());
  const state = await session.state();
  const own = await contents.of(release);
  if (isLate(before, state)) throw await conflict(store, before, own);
  refuseBesideRollout(state);
  const baseline = await baselineIn(state, contents, how.stages);
  const to = { release: release.n, root: release.root };
  const beginning = beginRollout({ ...how, to, startedBy, at: session.at(), baseline }, state.target, state.rollout);
  if (!beginning.begins) throw new FourlaneError('USAGE', beginning.why);
  const { done } = await store.commit(beginning.txn);
  if (!done) throw await conflict(store, before, own);
  return beginning.n;
}

/** Leads a rollout until it is over, or the time is. */
export async function leadIt(session: Session, { io }: Asked, n: number, timeoutMs: number): Promise<Rollout | undefined> {
  const { store, contents, clock, by } = session;
  const progress = new Progress(io);
  const lead = new Lead({ store, caller: session.caller(), by, clock, at: () => session.at() });
  const signal = AbortSignal.any([progress.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return await leadRollout(n, { store, contents, clock, lead, signal, told: progress.tell, follow: session.follow() });
  } finally {
    progress.done();
    await lead.release();
  }
}

/** The exit code of a rollout as it was left. */
export function exitOfRollout(rollout: Rollout | undefined): number {
  if (rollout?.state === 'done') return EXIT.done;
  return rollout !== undefined && isOver(rollout) ? EXIT.failed : EXIT.waiting;
}

/** Clears away what nothing needs; that it fails changes nothing for whoever asked for something else. */
export async function tidy({ store }: Session, { io }: Asked): Promise<void> {
  try {
    await clearAway(store);
  } catch (error) {
    io.err(`fourlane: old releases were not cleared away: ${(error as Error).message}\n`);
  }
}
