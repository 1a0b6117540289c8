/**
 * The sources of `fourlane init`. A new one is one file in sources/ and one line in this list. Of services that several sources
 * have, the first one decides.
 */
import type { Source } from './source.ts';
import { dpvs } from './sources/dpvs.ts';
import { etcd } from './sources/etcd.ts';
import { keepalived } from './sources/keepalived.ts';
import { ipvs } from './sources/ipvs.ts';
import { network } from './sources/network.ts';
import { prometheus } from './sources/prometheus.ts';

export const sources: readonly Source[] = [keepalived, ipvs, dpvs, network, etcd, prometheus];
