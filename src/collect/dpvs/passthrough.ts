/** Whether services of DPVS write the PROXY header that the configuration declares. Pure. */
import type { Found } from '../../model/finding.ts';
import type { Plan } from '../../model/plan.ts';
import { findingOf } from '../../passthrough/findings.ts';
import { judgeDataPlane } from '../../passthrough/judge.ts';
import type { DpvsData } from './data.ts';

/** Of services that declare it and are in DPVS. */
export function dpvsFindings({ services }: Pick<DpvsData, 'services'>, plan: Pick<Plan, 'services'>): readonly Found[] {
  const byVip = new Map(services.map((service) => [service.vip, service]));
  return plan.services.flatMap(({ name, vip, passthrough }) => {
    const there = byVip.get(vip);
    if (passthrough === undefined || there === undefined) return [];
    const { cause, found, level } = judgeDataPlane(passthrough, there.proxyProtocol);
    const finding = cause && findingOf(cause);
    return finding === undefined ? [] : [{ finding, service: name, realServer: '', found: `${level}: ${found}` }];
  });
}
