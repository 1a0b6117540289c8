/**
 * DPVS writes its log synchronously unless log_async_mode is on and EAL has an lcore that no worker uses; when that one is
 * missing, it stays synchronous without a word (src/log.c). Only then there are rings `log_ring_w…` and the pool `log_msg_pool`.
 */
import type { Check, Finding } from '../check.ts';
import type { DpdkProcess } from '../host.ts';

const CONFIGURE =
  "sed -i 's/log_async_mode .*/log_async_mode    on/' /etc/dpvs.conf   # in global_defs; give EAL (-l) one lcore more than " +
  'worker_defs names; restart DPVS';

export const logCore: Check = {
  name: 'log_core',
  roles: ['load-balancer'],
  summary: 'DPVS writes its log on a core of its own',
  async run({ host }) {
    const dpvs = (await host.dpdk()).filter((p) => p.pools.some((name) => name.startsWith('dp_vs_')));
    if (dpvs.length === 0) return [{ outcome: 'skipped', message: 'no DPVS shows itself by telemetry' }];
    return dpvs.map(judge);
  },
};

function judge({ path, rings, pools }: DpdkProcess): Finding {
  const mine = rings?.filter((name) => name.startsWith('log_ring_w')) ?? [];
  // One ring for each core that writes, named after it; all other cores log to one of them.
  const writers = mine.map((name) => name.slice('log_ring_w'.length)).join(', ');
  if (mine.length > 0) return { outcome: 'ok', subject: path, message: `a log core is at work: lcore ${writers}` };
  if (rings === undefined && pools.includes('log_msg_pool')) {
    return { outcome: 'ok', subject: path, message: 'asynchronous log configured (DPDK too old to list rings)' };
  }
  const message = 'the log is synchronous: a core that logs waits for the disk, and forwards nothing meanwhile';
  return { outcome: 'warn', subject: path, message, fix: CONFIGURE };
}
