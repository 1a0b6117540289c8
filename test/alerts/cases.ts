/** What every alert is tested with. A new alert needs a case in one of these files: the test counts them. */
import { agentCases } from './cases/agent.ts';
import { bgpCases } from './cases/bgp.ts';
import { clusterCases } from './cases/cluster.ts';
import { capacityCases, sloCases } from './cases/capacity.ts';
import { controlCases } from './cases/control.ts';
import { coreCases, logCases } from './cases/core.ts';
import { linkCases, nicCases } from './cases/nic.ts';
import { serviceCases } from './cases/service.ts';
import type { AlertCase } from './timeline.ts';

export const cases: readonly AlertCase[] = [
  ...nicCases,
  ...linkCases,
  ...serviceCases,
  ...sloCases,
  ...capacityCases,
  ...coreCases,
  ...logCases,
  ...controlCases,
  ...bgpCases,
  ...clusterCases,
  ...agentCases,
];
