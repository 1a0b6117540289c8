/** What one server knows of its own release, what may happen to it, and what it then does. */
import type { Applied, AppliedState, Member, PlanCounts, Target, Version } from '../values.ts';
import { begin, type DiskRecord, EMPTY_RECORD, type GoodVersion } from './record.ts';

/** How this process is called in etcd. */
export interface Self {
  readonly boot: Member['boot'];
  readonly version: Member['version'];
}

/** One thing at a time: what etcd wants meanwhile is looked at when it has ended. */
export interface Work {
  readonly kind: 'check' | 'apply' | 'restore';
  readonly version: GoodVersion;
  readonly purpose: 'apply' | 'prepare';
}

export interface LifeState {
  readonly self: Self;
  readonly record: DiskRecord;
  /** The newest pointer of the own ring, with its revision; undefined = not read yet. */
  readonly pointer?: { readonly seen: number; readonly target: Target };
  /** Why nothing is applied now: maintenance. */
  readonly held?: string;
  readonly work?: Work;
  readonly running?: GoodVersion;
  /** When what runs began to, ms of the own clock. */
  readonly since: number;
  /** The last configuration that was checked, with its plan. */
  readonly checked?: { readonly root: string; readonly plan: PlanCounts; readonly planHash: string };
  /** What did not work, at which pointer: it is not tried again before the pointer changes. */
  readonly failure?: {
    readonly root: string;
    readonly seen: number;
    readonly state: 'failed' | 'refused';
    readonly error: string;
  };
  readonly attempt: number;
  readonly planHash?: string;
  readonly drift: Applied['drift'];
  /** What was written back last. */
  readonly written?: Applied;
  readonly ready: boolean;
}

export type LifeEvent =
  | { readonly kind: 'pointer'; readonly seen: number; readonly target: Target }
  /** Fetched, verified, validated and planned; `refusals` is empty when it may be applied. */
  | {
      readonly kind: 'checked';
      readonly root: string;
      readonly refusals: readonly string[];
      readonly plan: PlanCounts;
      readonly planHash: string;
    }
  | { readonly kind: 'applied'; readonly root: string }
  | { readonly kind: 'applyFailed'; readonly root: string; readonly error: string }
  | { readonly kind: 'restored'; readonly root: string }
  /** Others found it: nobody tries it again. */
  | { readonly kind: 'poison'; readonly root: string; readonly why: string }
  /** Left out = it is over. */
  | { readonly kind: 'maintenance'; readonly why?: string }
  | { readonly kind: 'drift'; readonly drift: Applied['drift'] }
  /** What failed is tried again, although the pointer is the same. */
  | { readonly kind: 'again' }
  /** Some time has passed. */
  | { readonly kind: 'tick' }
  /** The process ends in order. */
  | { readonly kind: 'stop' };

/** What follows, in this order. `save` must be on disk before the next effect begins. */
export type LifeEffect =
  | { readonly do: 'save'; readonly record: DiskRecord }
  | { readonly do: 'check'; readonly version: GoodVersion }
  | { readonly do: 'apply' | 'restore'; readonly version: GoodVersion }
  | { readonly do: 'writeBack'; readonly value: Applied }
  | { readonly do: 'poison'; readonly root: string; readonly why: string }
  | { readonly do: 'announce'; readonly ready: boolean };

/** A process that begins: its state, and what it does first. Without a good configuration it runs nothing and stays out. */
export function start(saved: DiskRecord | undefined, self: Self, now: number): readonly [LifeState, readonly LifeEffect[]] {
  const old = saved ?? EMPTY_RECORD;
  const record = begin(old);
  const state: LifeState = {
    self,
    record,
    ...(record.good === null ? {} : { running: record.good }),
    since: now,
    attempt: 0,
    drift: { count: 0, samples: [] },
    ready: false,
  };
  const found = record.poison.filter(({ root }) => !old.poison.some((each) => each.root === root));
  return [state, [{ do: 'save', record }, ...found.map((each): LifeEffect => ({ do: 'poison', ...each }))]];
}

/** What state the server is in, for the pointer it acts on. */
export function stateOf(s: LifeState): AppliedState {
  const { pointer, work, running, failure, held, checked } = s;
  if (pointer === undefined) return 'applying';
  const { target, seen } = pointer;
  if (failure !== undefined && failure.seen === seen && work?.kind !== 'restore') return failure.state;
  if (work?.kind === 'apply' || work?.kind === 'restore') return 'applying';
  if (running?.root !== target.root) return held === undefined ? 'applying' : 'held';
  return target.prepare !== undefined && checked?.root === target.prepare.root ? 'prepared' : 'applied';
}

/** What is written back. */
export function appliedOf(s: LifeState): Applied {
  const { pointer, running, checked, failure, record, self } = s;
  const state = stateOf(s);
  const wanted: Version | undefined = pointer?.target;
  return {
    release: wanted?.release ?? 0,
    root: wanted?.root ?? null,
    seen: pointer?.seen ?? 0,
    state,
    running: running?.root ?? null,
    prepared: checked?.root ?? null,
    lastGood: record.good?.root ?? null,
    plan: checked?.plan ?? null,
    error: failure !== undefined && failure.seen === pointer?.seen ? failure.error : null,
    attempt: s.attempt,
    boot: self.boot,
    version: self.version,
    planHash: s.planHash ?? null,
    drift: s.drift,
  };
}
