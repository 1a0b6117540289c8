/**
 * A staged rollout as a state machine: prepare everywhere, then ring by ring, each applied and soaked. It halts by itself, goes
 * back, and is never started again but by a person. All it knows stands in etcd, but for the clock of the soak: whoever leads may
 * die at any point, and the next one soaks anew. Each step is one transaction that compares leadership, the rollout and each
 * pointer that it moves: of two leaders one does nothing.
 */
import { type Barrier, barrierText, outcomeOf } from '../barrier/barrier.ts';
import { keyOf } from '../keys.ts';
import { type Compare, type Held, put, type TxnPlan, type Write } from '../txn-plan.ts';
import type { Rollout, Target, Version } from '../values.ts';

export interface RolloutView {
  readonly rollout: Held<Rollout>;
  /** Create revision of the own lead key; undefined = somebody else leads. */
  readonly lead?: number;
  readonly targets: ReadonlyMap<string, Held<Target>>;
  readonly barrier: (ring: string, stage: 'apply' | 'prepare') => Barrier;
  /** Why it must halt, of the servers of these rings (`halts.ts`). */
  readonly halts: (rings: readonly string[]) => readonly string[];
  /** ms of the leader's clock, and when its soak began; undefined = it does not soak. */
  readonly now: number;
  readonly soakSince?: number | undefined;
}

export interface RolloutStep {
  readonly txn?: TxnPlan;
  /** For the next step. */
  readonly soakSince?: number;
  /** What it waits for, or what it does. */
  readonly text: string;
}

const LIVE: ReadonlySet<Rollout['state']> = new Set(['preparing', 'applying', 'soaking']);

/** Whether a rollout goes on by itself: forward, or back. */
export function isLive({ state, onHalt }: Rollout): boolean {
  return LIVE.has(state) || state === 'rollingBack' || (state === 'halted' && onHalt === 'rollback');
}

/** What is to be done next. */
export function step(view: RolloutView): RolloutStep {
  const { rollout, lead } = view;
  if (lead === undefined) return { text: 'somebody else leads' };
  switch (rollout.value.state) {
    case 'preparing':
      return prepare(view);
    case 'applying':
    case 'soaking':
      return advance(view);
    case 'halted':
      return goBack(view);
    case 'rollingBack':
      return awaitBack(view);
    case 'rolledBack':
    case 'backFailed':
    case 'done':
      return { text: rollout.value.state };
  }
}

const ringsOf = ({ stages }: Rollout) => stages.map(({ ring }) => ring);

/** A transaction that changes the rollout and moves these pointers. */
function change(view: RolloutView, next: Partial<Rollout>, moves: ReadonlyMap<string, Target> = new Map()): TxnPlan {
  const { rollout, lead, targets } = view;
  const { n } = rollout.value;
  const compare: Compare[] = [{ key: keyOf('rollout', n), mod: rollout.mod }];
  if (lead !== undefined) compare.push({ key: keyOf('lead'), create: lead });
  const writes: Write[] = [put('rollout', [n], { ...rollout.value, ...next })];
  for (const [ring, target] of moves) {
    compare.push({ key: keyOf('target', ring), mod: targets.get(ring)?.mod ?? 0 });
    writes.push(put('target', [ring], target));
  }
  return { compare, writes };
}

function halt(view: RolloutView, why: string): RolloutStep {
  return { txn: change(view, { state: 'halted', why: why.slice(0, 1000) }), text: `halts: ${why}` };
}

/** Somebody else has moved a pointer: this rollout no longer knows what it does. */
function strayed({ rollout, targets }: RolloutView, isRight: (ring: string, target: Target) => boolean): string | undefined {
  const ring = ringsOf(rollout.value).find((each) => {
    const target = targets.get(each);
    return target === undefined || !isRight(each, target.value);
  });
  return ring === undefined ? undefined : `somebody else has moved the pointer of ring ${ring}`;
}

const isVersion = (target: Version, { root }: Version) => target.root === root;

function prepare(view: RolloutView): RolloutStep {
  const { rollout, targets } = view;
  const { to, from, allowAbsent } = rollout.value;
  const rings = ringsOf(rollout.value);
  const stray = strayed(view, (ring, target) => isVersion(target, from[ring] ?? to));
  if (stray !== undefined) return halt(view, stray);
  const unprepared = rings.filter((ring) => targets.get(ring)!.value.prepare?.root !== to.root);
  if (unprepared.length > 0) {
    const moves = new Map(unprepared.map((ring) => [ring, { ...targets.get(ring)!.value, prepare: to }]));
    return { txn: change(view, {}, moves), text: `has ${unprepared.join(', ')} prepare release ${to.release}` };
  }
  const barriers = rings.map((ring) => [ring, view.barrier(ring, 'prepare')] as const);
  const waits = blocked(view, barriers, 'prepared', allowAbsent);
  return waits ?? enter(view, 0);
}

/** Halts at a failure, or waits for who is still busy; undefined = all have done it. */
function blocked(
  view: RolloutView,
  barriers: readonly (readonly [string, Barrier])[],
  verb: string,
  allowAbsent: number,
): RolloutStep | undefined {
  for (const [ring, barrier] of barriers) {
    const failed = barrier.rows.find(({ counts }) => counts === 'failed');
    if (failed !== undefined) return halt(view, `${failed.server} of ring ${ring}: ${failed.text}`);
  }
  let absent = 0;
  for (const [ring, barrier] of barriers) {
    absent += barrier.counts.absent;
    if (outcomeOf(barrier, Number.POSITIVE_INFINITY) !== 'done') return { text: `ring ${ring}: ${barrierText(barrier, verb)}` };
  }
  return absent > allowAbsent ? { text: `${absent} servers are absent, ${allowAbsent} may be` } : undefined;
}

/** Gives a stage's ring the release. */
function enter(view: RolloutView, stage: number): RolloutStep {
  const { to, stages } = view.rollout.value;
  const { ring } = stages[stage]!;
  const moves = new Map([[ring, { release: to.release, root: to.root }]]);
  return { txn: change(view, { state: 'applying', stage, why: '' }, moves), text: `gives ring ${ring} release ${to.release}` };
}

function advance(view: RolloutView): RolloutStep {
  const { rollout, now, soakSince } = view;
  const { to, from, stages, stage, state, allowAbsent } = rollout.value;
  const rings = ringsOf(rollout.value);
  const begun = rings.slice(0, stage + 1);
  const stray = strayed(view, (ring, target) => isVersion(target, begun.includes(ring) ? to : (from[ring] ?? to)));
  if (stray !== undefined) return halt(view, stray);
  const [cause] = view.halts(begun);
  if (cause !== undefined) return halt(view, cause);
  const waits = blocked(
    view,
    begun.map((ring) => [ring, view.barrier(ring, 'apply')] as const),
    'applied',
    allowAbsent,
  );
  if (waits !== undefined) return waits;
  const { ring, soakMs } = stages[stage]!;
  if (state === 'applying') return { txn: change(view, { state: 'soaking' }), soakSince: now, text: `ring ${ring} soaks` };
  const since = soakSince ?? now;
  if (now - since < soakMs)
    return { soakSince: since, text: `ring ${ring} soaks for another ${Math.ceil((soakMs - (now - since)) / 1000)} s` };
  if (stage + 1 < stages.length) return enter(view, stage + 1);
  return { txn: change(view, { state: 'done' }), text: `release ${to.release} is applied in all rings` };
}

/** Gives every ring back what it ran, and takes back what it prepares. */
function goBack(view: RolloutView): RolloutStep {
  const { rollout, targets } = view;
  const { onHalt, to, from, why } = rollout.value;
  if (onHalt === 'stay') return { text: `halted: ${why}` };
  const moves = new Map<string, Target>();
  for (const ring of ringsOf(rollout.value)) {
    const target = targets.get(ring)?.value;
    if (target === undefined || from[ring] === undefined) continue;
    const isOurs = target.root === to.root || target.prepare?.root === to.root;
    // A server tries again what failed when its pointer is written again.
    const isAgain = target.root === from[ring].root && view.barrier(ring, 'apply').counts.failed > 0;
    if (isOurs || isAgain) moves.set(ring, { ...from[ring] });
  }
  return { txn: change(view, { state: 'rollingBack' }, moves), text: `gives back: ${[...moves.keys()].join(', ') || 'nothing'}` };
}

function awaitBack(view: RolloutView): RolloutStep {
  const { rollout } = view;
  const barriers = ringsOf(rollout.value).map((ring) => [ring, view.barrier(ring, 'apply')] as const);
  const waiting = barriers.find(([, { counts }]) => counts.pending > 0);
  if (waiting !== undefined) return { text: `goes back; ring ${waiting[0]}: ${barrierText(waiting[1])}` };
  const failed = barriers.flatMap(([, { rows }]) => rows.filter(({ counts }) => counts === 'failed'));
  if (failed.length > 0) {
    // Nothing more comes of itself: it must not keep others from releasing what helps.
    const why = failed.map(({ server, text }) => `${server}: ${text}`).join('; ');
    const next = { state: 'backFailed', why: `${rollout.value.why}; not given back: ${why}`.slice(0, 1000) } as const;
    return { txn: change(view, next), text: `not given back: ${why}` };
  }
  return { txn: change(view, { state: 'rolledBack' }), text: 'every ring runs again what it ran before' };
}

function byHand({ value, mod }: Held<Rollout>, next: Partial<Rollout>): TxnPlan {
  return { compare: [{ key: keyOf('rollout', value.n), mod }], writes: [put('rollout', [value.n], { ...value, ...next })] };
}

const said = (by: string, why: string) => `${by}: ${why}`.slice(0, 1000);

/** A person, or a tool, halts a rollout that goes forward: needs no leadership. Undefined = there is nothing to halt. */
export function haltByHand(rollout: Held<Rollout>, by: string, why: string): TxnPlan | undefined {
  return LIVE.has(rollout.value.state) ? byHand(rollout, { state: 'halted', why: said(by, why) }) : undefined;
}

/**
 * The same, and it gives back what its rings ran, also when it was done, was to stay, or could not give back all. Undefined = it
 * does so already, or has.
 */
export function rollBackByHand(rollout: Held<Rollout>, by: string, why: string): TxnPlan | undefined {
  const { state } = rollout.value;
  if (state === 'rollingBack' || state === 'rolledBack') return undefined;
  return byHand(rollout, { state: 'halted', onHalt: 'rollback', why: said(by, why) });
}
