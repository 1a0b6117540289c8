/** The words of the lab of a cluster: a step as it is taken, and what came of a scenario. Pure. */
import type { ClusterRow, Taken } from './scenario.ts';

const seconds = (ms: number) => (ms / 1000).toFixed(1);

/** `  +3.4 s  lb-01 says RS_DOWN of 10.0.1.1:80` */
export function stepLine({ what, ms, withinMs, note, why }: Taken): string {
  if (ms === undefined) return `   MISSED  ${what}: not within ${seconds(withinMs!)} s${why === undefined ? '' : ` (${why})`}`;
  return `${`+${seconds(ms)}`.padStart(7)} s  ${what}${note === undefined ? '' : `: ${note}`}`;
}

/** What was said about a scenario, and what was wrong with that. */
export function clusterAccount(row: ClusterRow): string {
  return [
    `verdicts  ${row.verdicts.join('; ') || 'none'}`,
    `wrong     ${row.othersFailed} failed requests of what the fault does not touch; ${row.touchedFailed} of what it touches`,
    ...(row.recoveryMs === undefined ? [] : [`recovery  all is well again ${seconds(row.recoveryMs)} s after the repair`]),
    ...row.problems.map((problem) => `PROBLEM   ${problem}`),
  ].join('\n');
}
