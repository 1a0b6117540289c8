import type { Check } from '../check.ts';
import type { Host } from '../host.ts';

const LOAD = 'modprobe ip_vs && echo ip_vs > /etc/modules-load.d/ip_vs.conf';

export const ipVs: Check = {
  name: 'ip_vs',
  roles: ['load-balancer'],
  summary: 'kernel LVS is there, unless DPDK forwards',
  async run({ host, config: { plan } }) {
    const table = await host.read('/proc/net/ip_vs');
    if (table !== undefined) {
      const version = /^IP Virtual Server version (\S+)/.exec(table)?.[1] ?? 'of unknown version';
      const services = table.match(/^(TCP|UDP|SCTP|FWM) /gm)?.length ?? 0;
      return [{ outcome: 'ok', message: `ip_vs ${version}, services: ${services}` }];
    }
    if (plan?.services.some((service) => service.actuator.type === 'ipvs')) {
      return [{ outcome: 'fail', message: 'ip_vs is not loaded, and services have actuator ipvs', fix: LOAD }];
    }
    if (plan?.nics.some((nic) => nic.dataplane !== undefined)) {
      return [{ outcome: 'skipped', message: 'ip_vs is not loaded; nics[].dataplane says that DPDK forwards' }];
    }
    if (await isDpdkHost(host)) return [{ outcome: 'skipped', message: 'ip_vs is not loaded; DPDK forwards here' }];
    return [
      { outcome: 'warn', message: 'ip_vs is not loaded: nothing here forwards, unless another data plane does', fix: LOAD },
    ];
  },
};

/** Whether DPVS or another DPDK process runs here; one that can't be asked is there all the same. */
async function isDpdkHost(host: Host): Promise<boolean> {
  if ((await host.processes('dpvs')).length > 0) return true;
  return host.dpdk().then(
    (processes) => processes.length > 0,
    () => true,
  );
}
