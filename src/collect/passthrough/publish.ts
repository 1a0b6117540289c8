/** Series and findings of a reading of passthrough. Pure. */
import { resultOf } from '../../passthrough/findings.ts';
import type { Found } from '../../model/finding.ts';
import type { Done } from '../../passthrough/verify.ts';
import type { Samples } from '../collector.ts';
import { FINDING, LAST_SUCCESS, MISMATCHES, OK, UNVERIFIED } from './metrics.ts';
import { decisive, type Standing } from './standing.ts';

export interface PassthroughData {
  /** All that is known. */
  readonly standings: readonly Standing[];
  /** Verified in this reading. */
  readonly done: readonly Done[];
}

export function publishPassthrough({ standings, done }: PassthroughData, samples: Samples): void {
  for (const { service, realServer, way, result, finding, cause } of standings) {
    if (result !== 'unknown') samples.gauge(OK, [service, realServer, way], Number(result === 'ok'));
    if (finding !== undefined) samples.gauge(FINDING, [service, realServer, way, finding, cause!], 1);
  }
  for (const { job, found } of done) {
    const one = decisive(found);
    const { cause } = one;
    if (cause !== undefined && resultOf(one) === 'mismatch') samples.increase(MISMATCHES, [job.service, cause], 1);
  }
  const groups = Map.groupBy(standings, ({ service, way }) => JSON.stringify([service, way]));
  for (const [key, group] of groups) {
    const labels = JSON.parse(key) as string[];
    samples.gauge(UNVERIFIED, labels, group.filter(({ result }) => result === 'unknown').length);
    const last = Math.max(...group.map(({ lastOk }) => lastOk));
    if (last > 0) samples.gauge(LAST_SUCCESS, labels, last / 1000);
  }
}

/** What people should see of real servers; nothing is decided by it. */
export function passthroughFindings({ standings }: PassthroughData): readonly Found[] {
  return standings.flatMap(({ service, realServer, finding, found }) =>
    finding === undefined ? [] : [{ finding, service, realServer, found }],
  );
}
