/** What releases change, and how waits end, as text. */
import type { Awaited } from '../../cluster/api/await.ts';
import type { RingChange } from '../../cluster/api/changes.ts';
import type { Names } from '../../cluster/api/listing.ts';
import { barrierText, type BarrierRow } from '../../cluster/barrier/barrier.ts';
import type { Release, Rollout } from '../../cluster/values.ts';
import { indent, table } from '../output.ts';

const SHORT = 12;
const MOST_LISTED = 20;

export function changeTable(changes: readonly RingChange[]): string {
  return table([
    ['RING', 'RUNS', 'CHANGES'],
    ...changes.map(({ ring, from, text }) => [ring, from === null ? 'nothing' : `release ${from}`, text]),
  ]);
}

export function releaseText({ n, root, author, reason }: Release): string {
  return `release ${n} (root ${root.slice(0, SHORT)}) by ${author}: ${reason}`;
}

function listText(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > MOST_LISTED ? [`and ${names.length - MOST_LISTED} more`] : [];
  return [`${title}: ${names.length}`, indent([...names.slice(0, MOST_LISTED), ...more].join('\n'))];
}

/** A release as JSON for people and tools: the hashes of its blobs are nobody's business. */
export function releaseJson({ base: _, shards: __, ...shown }: Release): Omit<Release, 'base' | 'shards'> {
  return shown;
}

/** What comes and goes, by name. */
export function namesText({ vips, realServers }: Names, { diff }: Pick<RingChange, 'diff'>): string {
  return [
    ...listText('services added', diff?.added ?? []),
    ...listText('services removed', diff?.removed ?? []),
    ...listText('services changed', diff?.changed ?? []),
    ...listText('VIPs added', vips.added),
    ...listText('VIPs removed', vips.removed),
    ...listText('real servers added', realServers.added),
    ...listText('real servers removed', realServers.removed),
  ].join('\n');
}

/** One line for each ring, and one for each server that has not done it. */
export function awaitedText({ rings }: Awaited): string {
  return rings
    .flatMap(({ ring, barrier }) => {
      const left = barrier.rows.filter(({ counts }) => counts !== 'done').map((row: BarrierRow) => `${row.server}: ${row.text}`);
      return [`ring ${ring}: ${barrierText(barrier)}`, ...left.map(indent)];
    })
    .join('\n');
}

/** `rollout 3 to release 7: soaking, ring canary (1 of 2)`. */
export function rolloutText({ n, to, state, stage, stages, why }: Rollout): string {
  const where =
    state === 'applying' || state === 'soaking' ? `, ring ${stages[stage]!.ring} (${stage + 1} of ${stages.length})` : '';
  return `rollout ${n} to release ${to.release}: ${state}${where}${why === '' ? '' : `; ${why}`}`;
}

/** What is left for the next one to do. */
export function rolloutNext(rollout: Rollout): string {
  const { state, onHalt } = rollout;
  if (state === 'done' || state === 'rolledBack') return '';
  if (state === 'backFailed')
    return 'next: mend it, then fourlane cluster rollback tries again; others may be released meanwhile';
  return state === 'halted' && onHalt === 'stay'
    ? 'next: fourlane cluster rollback takes it back'
    : 'next: whoever leads goes on with it; if nobody does: fourlane cluster rollout --lead';
}
