/**
 * What a server remembers on disk of the releases it ran, and what follows from it when its process begins. With it an agent
 * starts and judges without etcd, and a configuration that crashes it is tried twice and never again.
 */
import * as z from 'zod';
import { hash } from '../values.ts';

const version = z.object({ release: z.int().min(0), root: hash });
const crashes = z.int().min(0).max(1000);

export const diskRecord = z.object({
  /** What ran for the time of proof: every start begins with it. */
  good: version.nullable(),
  /** What was good before that. */
  before: version.nullable(),
  /** What is applied or being applied, and not proven yet. */
  trial: version.extend({ crashes }).nullable(),
  /** Processes in a row that ran `good` from their start and did not live to prove it again. */
  goodCrashes: crashes,
  /** The last process ended in order. */
  clean: z.boolean(),
  /** Roots that crashed this server; the newest last. */
  poison: z.array(z.object({ root: hash, why: z.string().max(1000) })).max(64),
  /** Boots so far: the epoch of its evidence. */
  boots: z.int().min(0),
});

export type DiskRecord = z.output<typeof diskRecord>;
export type GoodVersion = NonNullable<DiskRecord['good']>;

/** A server that has never run anything. */
export const EMPTY_RECORD: DiskRecord = {
  good: null,
  before: null,
  trial: null,
  goodCrashes: 0,
  clean: true,
  poison: [],
  boots: 0,
};

/** A trial that crashes this often is poison. */
const MOST_CRASHES = 2;
/** What was proven is given up later: a machine may have lost its power. */
const MOST_GOOD_CRASHES = 3;
const MOST_POISON = 64;

export function isPoison({ poison }: DiskRecord, root: string): boolean {
  return poison.some((each) => each.root === root);
}

/** Whether this server has run it for the time of proof: it is gone back to, whatever that changes. */
export function wasGood({ good, before }: DiskRecord, root: string): boolean {
  return good?.root === root || before?.root === root;
}

/** The record with one more root that is not tried again. */
export function withPoison(record: DiskRecord, root: string, why: string): DiskRecord {
  if (isPoison(record, root)) return record;
  return { ...record, poison: [...record.poison, { root, why }].slice(-MOST_POISON) };
}

/**
 * The record of a process that begins, from that of the one before. Whatever it says, the process runs `good` first: what was on
 * trial is tried again when etcd names it again.
 */
export function begin(record: DiskRecord): DiskRecord {
  const next = { ...record, clean: false, boots: record.boots + 1 };
  if (record.clean) return next;
  if (record.trial !== null) {
    const count = record.trial.crashes + 1;
    if (count < MOST_CRASHES) return { ...next, trial: { ...record.trial, crashes: count } };
    const why = `the agent ended unexpectedly ${count} times while it ran release ${record.trial.release}`;
    return withPoison({ ...next, trial: null }, record.trial.root, why);
  }
  if (record.good === null) return next;
  const goodCrashes = record.goodCrashes + 1;
  if (goodCrashes < MOST_GOOD_CRASHES || record.before === null) return { ...next, goodCrashes };
  const why = `the agent ended unexpectedly ${goodCrashes} times soon after it had started with release ${record.good.release}`;
  return withPoison({ ...next, good: record.before, before: null, goodCrashes: 0 }, record.good.root, why);
}

/** The record when what runs has been proven: it becomes the good one. */
export function proven(record: DiskRecord): DiskRecord {
  const { trial } = record;
  if (trial === null) return record.goodCrashes === 0 ? record : { ...record, goodCrashes: 0 };
  const { crashes: _, ...version } = trial;
  const before = record.good?.root === version.root ? record.before : record.good;
  return { ...record, good: version, before, trial: null, goodCrashes: 0 };
}
