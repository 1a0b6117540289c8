/** The checks of the doctor. A new one is one file in checks/ and one line in this list; the order is that of the output. */
import type { Check } from './check.ts';
import { arp } from './checks/arp.ts';
import { bgp } from './checks/bgp.ts';
import { clock } from './checks/clock.ts';
import { config } from './checks/config.ts';
import { controlPath } from './checks/control-path.ts';
import { etcd } from './checks/etcd.ts';
import { files } from './checks/files.ts';
import { rights } from './checks/rights.ts';
import { dpvsAgent } from './checks/dpvs-agent.ts';
import { ipVs } from './checks/ip-vs.ts';
import { keepalived } from './checks/keepalived.ts';
import { logCore } from './checks/log-core.ts';
import { policyRoutes } from './checks/policy-routes.ts';
import { rpFilter } from './checks/rp-filter.ts';
import { sources } from './checks/sources.ts';
import { veto } from './checks/veto.ts';
import { vip } from './checks/vip.ts';
import { vipOnLo } from './checks/vip-on-lo.ts';

export const checks: readonly Check[] = [
  config,
  files,
  rights,
  clock,
  ipVs,
  arp,
  vipOnLo,
  vip,
  keepalived,
  rpFilter,
  policyRoutes,
  sources,
  dpvsAgent,
  bgp,
  controlPath,
  etcd,
  logCore,
  veto,
];
