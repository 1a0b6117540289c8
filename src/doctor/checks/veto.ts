/**
 * Whether DPVS shows enough of a NIC to contradict its probes (rule R11): connections whose replies pass the load balancer, and
 * whose VIP or local addresses are on the NIC's port.
 */
import { dpvs } from '../../collect/dpvs.ts';
import { nicsBy } from '../../collect/join.ts';
import type { Check, Finding } from '../check.ts';

const ASK = 'fourlane collect dpvs --json';

export const veto: Check = {
  name: 'veto',
  roles: ['load-balancer'],
  summary: 'DPVS shows of each NIC whether clients are well when its probes fail',
  async run({ host, config: { plan } }) {
    const named = plan?.nics.filter((nic) => nic.dataplane !== undefined) ?? [];
    const settings = plan?.collectors[dpvs.name];
    if (plan === undefined || named.length === 0 || settings === false)
      return [{ outcome: 'skipped', message: 'no nics[].dataplane names a port of DPVS, or its collector is turned off' }];
    const reading = await host.collect(dpvs.name, settings, plan.nics);
    if (reading.state !== 'data') return [{ outcome: 'skipped', message: reading.reason }];
    const { connections = [] } = dpvs.evidence!(reading.data);
    const nicsOf = nicsBy(plan);
    const shown = new Set(connections.flatMap((connection) => nicsOf(connection)));
    return named.map((nic): Finding => {
      const subject = nic.name;
      if (shown.has(plan.nics.indexOf(nic))) return { outcome: 'ok', subject, message: `clients are seen on ${nic.dataplane}` };
      const message =
        `no veto: neither a VIP nor the local addresses of a service are on ${nic.dataplane} alone, so a NIC whose probes are ` +
        `dropped is taken out although clients may be well (rule R11)`;
      return { outcome: 'warn', subject, message, fix: ASK };
    });
  },
};
