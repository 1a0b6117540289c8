/** `fourlane cluster rollback`: takes a rollout back, or gives all rings an older configuration as a new release. */
import { releaseAt, releaseOf } from '../../cluster/api/contents.ts';
import { liveRollout } from '../../cluster/api/pointers.ts';
import { ringsOf } from '../../cluster/api/changes.ts';
import { rollBackByHand } from '../../cluster/rollout/rollout.ts';
import type { Release, Rollout } from '../../cluster/values.ts';
import type { ClusterState } from '../../cluster/view/state.ts';
import { FourlaneError } from '../../model/errors.ts';
import { json as jsonOf, type Output, terminal } from '../output.ts';
import { awaitRings, giveTo, leadIt, make, prepare, tidy, unsignedText } from './carry.ts';
import { EXIT } from './exit.ts';
import { RELEASE_HELP, RELEASE_OPTIONS, removedOf, signKeyOf, WAIT_HELP, WAIT_OPTIONS, waitingOf } from './options.ts';
import type { Session } from './session.ts';
import { awaitedText, changeTable, releaseJson, releaseText, rolloutNext, rolloutText } from './texts.ts';
import { type Asked, usage, type VerbSpec, whyOf, withSession } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster rollback [N] --why TEXT [options]

While a rollout is under way: halts it, and gives the rings back what they ran. Otherwise: gives all rings at once the
configuration of release N, by default the one before what runs, as a new release with its own author and reason.

${RELEASE_HELP}${WAIT_HELP}`,
  options: { ...RELEASE_OPTIONS, ...WAIT_OPTIONS },
};

/** Runs the verb; resolves with its exit status. */
export function rollback(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, async (session, asked) => {
    const [word] = asked.words;
    if (asked.words.length > 1 || (word !== undefined && !/^\d+$/.test(word)))
      throw usage('name one release or none: fourlane cluster rollback [N] --why TEXT');
    const why = whyOf(asked);
    const state = await session.state();
    const live = toTakeBack(state);
    if (live === undefined)
      return toRelease(session, asked, why, word === undefined ? before(state) : releaseOf(state, Number(word)));
    if (word !== undefined)
      throw usage(`rollout ${live.value.n} is under way; take it back first: fourlane cluster rollback --why TEXT`);
    return takeBack(session, asked, why);
  });
}

const OPEN: ReadonlySet<Rollout['state']> = new Set(['halted', 'backFailed']);

/** The rollout that is under way, that was halted to stay as it is, or that could not give back all. */
function toTakeBack(state: ClusterState) {
  const newest = [...state.rollout.values()].toSorted((a, b) => b.value.n - a.value.n)[0];
  return liveRollout(state) ?? (newest !== undefined && OPEN.has(newest.value.state) ? newest : undefined);
}

/** The release that what runs was made from. Throws CLUSTER_INVALID when there is none. */
function before(state: ClusterState): Release {
  const newest = [...state.target.values()].toSorted((a, b) => b.mod - a.mod)[0]?.value;
  const fail = (message: string) => new FourlaneError('CLUSTER_INVALID', `${message}; name one: fourlane cluster rollback N`);
  if (newest === undefined) throw fail('no ring runs anything');
  const { n, parent } = releaseAt(state, newest);
  const found = [...state.release.values()].map(({ value }) => value).filter(({ root }) => root === parent);
  const last = found.toSorted((a, b) => b.n - a.n)[0];
  if (last === undefined)
    throw fail(parent === null ? `release ${n} is the first` : `what ran before release ${n} was cleared away`);
  return last;
}

async function toRelease(session: Session, asked: Asked, why: string, old: Release): Promise<number> {
  const { io, json } = asked;
  const waiting = waitingOf(asked);
  const wish = {
    reason: `back to release ${old.n}: ${why}`.slice(0, 1000),
    removed: removedOf(asked),
    signKey: signKeyOf(asked),
  };
  const prepared = await prepare(session, await session.contents.of(old), wish);
  const { changes, state } = prepared;
  if (changes.every(({ same }) => same)) {
    io.out(
      json
        ? jsonOf({ release: null, changes })
        : `nothing changes: every ring runs the configuration of release ${old.n} already\n`,
    );
    return EXIT.done;
  }
  io.err(unsignedText(prepared));
  const made = await make(session, prepared);
  if (!json) io.out(`${releaseText(made)}\n${changeTable(changes)}\n`);
  const rings = ringsOf(state);
  const revision = await giveTo(session, made, rings, state);
  const awaited = await awaitRings(session, asked, { rings, revision, waiting });
  await tidy(session, asked);
  io.out(json ? jsonOf({ release: releaseJson(made), changes, ...awaited }) : `${awaitedText(awaited)}\n`);
  return EXIT[awaited.outcome];
}

const MOST_TRIES = 10;

async function takeBack(session: Session, asked: Asked, why: string): Promise<number> {
  const { io, json } = asked;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const found = toTakeBack(await session.state());
    if (found === undefined)
      throw new FourlaneError('CLUSTER_CONFLICT', 'the rollout has ended meanwhile; look at it: fourlane cluster status');
    // One that goes back already is only led.
    const txn = rollBackByHand(found, session.by, why);
    if (txn !== undefined && !(await session.store.commit(txn)).done) continue;
    const left = await leadIt(session, asked, found.value.n, waitingOf(asked).timeoutMs);
    if (json) io.out(jsonOf({ rollout: left ?? null }));
    else if (left !== undefined) io.out(`${[rolloutText(left), rolloutNext(left)].filter(Boolean).join('\n')}\n`);
    if (left?.state === 'backFailed') return EXIT.failed;
    return left?.state === 'rolledBack' ? EXIT.done : EXIT.waiting;
  }
  throw new FourlaneError('CLUSTER_CONFLICT', 'the rollout went on each time it was to be taken back; try again');
}
