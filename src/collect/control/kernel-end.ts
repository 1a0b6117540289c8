/**
 * The kernel's ends of DPDK ports (DPVS: `dpdk0.kni`): all control traffic of such a machine passes them. What the kernel
 * counts as
 * dropped there went either way: up, because nobody took it in time; down, because the data plane's ring was full.
 */
import { type Exact, parseExact } from '../../model/exact.ts';
import { readAttribute } from '../../sys/sysfs.ts';
import { CONTROL_PATH_DROPPED } from '../control-metrics.ts';
import { kernelNics, part } from './part.ts';

interface KernelEnd {
  readonly nic: string;
  /** Another one when the device has been made again. */
  readonly ifindex: string;
  readonly up: Exact;
  readonly down: Exact;
}

export const kernelEnd = part<readonly KernelEnd[]>({
  name: 'kernel_end',
  async read({ nics, roots }, signal) {
    const kernel = new Set(kernelNics(nics));
    const ends: KernelEnd[] = [];
    for (const nic of nics.filter((one) => !kernel.has(one))) {
      const at = `${roots.net}/${nic.device}`;
      const ifindex = await readAttribute(`${at}/ifindex`, signal);
      const up = parseExact((await readAttribute(`${at}/statistics/rx_dropped`, signal)) ?? '');
      const down = parseExact((await readAttribute(`${at}/statistics/tx_dropped`, signal)) ?? '');
      if (ifindex !== undefined && up !== undefined && down !== undefined) ends.push({ nic: nic.name, ifindex, up, down });
    }
    if (ends.length > 0) return { state: 'data', data: ends };
    return { state: 'absent', reason: "no NIC has the kernel's end of a DPDK port as its device" };
  },
  publish(ends, samples) {
    for (const { nic, ifindex, up, down } of ends) {
      samples.counter(CONTROL_PATH_DROPPED, ['kernel', 'kni_up', nic], up, ifindex);
      samples.counter(CONTROL_PATH_DROPPED, ['kernel', 'kni_down', nic], down, ifindex);
    }
  },
});
