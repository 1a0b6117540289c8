/**
 * Who has done what a pointer asks: counted over the roster, never over whoever happens to be alive. Whom it excuses it names,
 * and it never says done while a server that counts runs something else.
 */
import { COUNTS_AS, type CountsAs } from '../../model/cluster-status.ts';
import type { Excused } from '../roster/maintenance.ts';
import { maintenanceText } from '../roster/maintenance.ts';
import type { Presence } from '../roster/presence.ts';
import type { Held } from '../txn-plan.ts';
import type { Applied, Target } from '../values.ts';

export interface BarrierRow {
  readonly server: string;
  readonly counts: CountsAs;
  /** What it does, why it failed, or why it is excused. */
  readonly text: string;
  readonly applied?: Applied;
}

export interface BarrierInput {
  /** The pointer of one ring, with its revision. */
  readonly target: Held<Target>;
  /** What is waited for: that `target.root` runs, or that `target.prepare` is prepared. */
  readonly stage: 'apply' | 'prepare';
  /** The ring's servers of the roster. */
  readonly expected: readonly string[];
  readonly presence: (server: string) => Presence;
  readonly applied: ReadonlyMap<string, Applied>;
  readonly excused: Pick<Excused, 'servers'>;
  /** Members that no roster names. */
  readonly strangers?: readonly string[];
}

export interface Barrier {
  readonly rows: readonly BarrierRow[];
  readonly counts: Readonly<Record<CountsAs, number>>;
  /** Servers that are expected. */
  readonly expected: number;
}

/** How far the servers of a ring are. */
export function barrierOf(input: BarrierInput): Barrier {
  const rows = input.expected.toSorted().map((server) => rowOf(server, input));
  for (const server of input.strangers ?? [])
    rows.push({ server, counts: 'stranger', text: 'is there, but no roster names it: it is not counted' });
  const counts = Object.fromEntries(COUNTS_AS.map((each) => [each, 0])) as Record<CountsAs, number>;
  for (const row of rows) counts[row.counts]++;
  return { rows, counts, expected: input.expected.length };
}

function rowOf(server: string, input: BarrierInput): BarrierRow {
  const { presence, applied, excused } = input;
  const value = applied.get(server);
  const row = (counts: CountsAs, text: string): BarrierRow => ({
    server,
    counts,
    text,
    ...(value === undefined ? {} : { applied: value }),
  });
  const planned = excused.servers.get(server);
  if (planned !== undefined) return row('excused', maintenanceText(planned));
  const present = presence(server);
  if (present.is !== 'there') {
    const isAbsent = present.is === 'absent';
    const text = isAbsent
      ? `no sign of it for ${Math.round(present.forMs / 1000)} s`
      : 'its member key is missing; it may come back';
    return row(isAbsent ? 'absent' : 'pending', text);
  }
  // What a process before this one wrote says nothing of this one.
  if (value === undefined || value.boot !== present.member.boot) return row('pending', 'it has not written back yet');
  return fromApplied(value, input, row);
}

function fromApplied(
  value: Applied,
  { target, stage }: BarrierInput,
  row: (c: CountsAs, text: string) => BarrierRow,
): BarrierRow {
  const { value: pointer, mod } = target;
  if (value.seen < mod) return row('pending', `it has not seen the pointer of revision ${mod} yet`);
  if (value.seen > mod) return row('pending', `it acts on a newer pointer, of revision ${value.seen}`);
  if (value.state === 'failed' || value.state === 'refused')
    return row('failed', `${value.state}: ${value.error ?? 'no reason given'}`);
  const running = value.running === pointer.root;
  if (stage === 'apply' ? running && value.state !== 'applying' : running && isPrepared(value, pointer))
    return row(
      'done',
      stage === 'apply' ? `runs release ${pointer.release}` : `has prepared release ${pointer.prepare?.release}`,
    );
  return row('pending', value.state);
}

/** What runs already needs no preparation. */
function isPrepared({ prepared, running }: Applied, { prepare }: Target): boolean {
  return prepare !== undefined && (prepared === prepare.root || running === prepare.root);
}

export const OUTCOMES = { done: 0, failed: 1, absent: 3, waiting: 4 } as const;
export type BarrierOutcome = keyof typeof OUTCOMES;

/**
 * What the counts say: `done` only when every server that counts has done it. `absent`: all others have; the operator may allow
 * so many. `waiting` after the deadline is what a script gets as its exit code.
 */
export function outcomeOf({ counts }: Pick<Barrier, 'counts'>, allowAbsent = 0): BarrierOutcome {
  if (counts.failed > 0) return 'failed';
  if (counts.pending > 0) return 'waiting';
  return counts.absent > allowAbsent ? 'absent' : 'done';
}

/** `applied by 47 of 50; 2 absent: lb-3, lb-9; 1 excused: lb-7`: one line for people. */
export function barrierText({ rows, counts, expected }: Barrier, verb = 'applied'): string {
  const parts = [`${verb} by ${counts.done} of ${expected}`];
  for (const kind of ['pending', 'failed', 'absent', 'excused', 'stranger'] as const) {
    if (counts[kind] === 0) continue;
    const names = rows.filter((row) => row.counts === kind).map(({ server }) => server);
    parts.push(`${counts[kind]} ${kind}: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`);
  }
  return parts.join('; ');
}
