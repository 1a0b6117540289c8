/** The collectors. A new one is one file here and one line in this list. */
import { bgp } from './bgp.ts';
import type { Collector } from './collector.ts';
import { control } from './control.ts';
import { dpdk } from './dpdk.ts';
import { dpvs } from './dpvs.ts';
import { ipvs } from './ipvs.ts';
import { keepalived } from './keepalived.ts';
import { logqueue } from './logqueue.ts';
import { nic } from './nic.ts';
import { passthrough } from './passthrough.ts';
import { sync } from './sync.ts';

export const collectors: readonly Collector[] = [bgp, control, dpdk, dpvs, ipvs, keepalived, logqueue, nic, passthrough, sync];
