/**
 * One reading of every collector: DPDK's telemetry, DPVS's control socket, kernel LVS, NICs are readable if their collectors can
 * read them.
 */
import type { Plan } from '../../model/plan.ts';
import type { Check, Finding } from '../check.ts';
import type { Host } from '../host.ts';

/** Its FIFO has one reader, the agent; it is looked at by the check `keepalived`. */
const NOT_READ = new Set(['keepalived']);
/** Sources of a DPDK data plane: expected where the configuration names one. */
const DATAPLANE = new Set(['dpdk', 'dpvs']);

export const sources: Check = {
  name: 'sources',
  roles: ['load-balancer'],
  summary: 'what the collectors read is readable: telemetry, control socket, kernel',
  run: ({ host, config: { plan } }) =>
    Promise.all(host.collectors.filter((name) => !NOT_READ.has(name)).map((name) => judge(host, name, plan))),
};

async function judge(host: Host, name: string, plan: Plan | undefined): Promise<Finding> {
  const subject = name;
  const settings = plan?.collectors[name];
  if (settings === false) return { outcome: 'skipped', subject, message: 'turned off in the configuration' };
  const reading = await host.collect(name, settings, plan?.nics ?? []);
  if (reading.state === 'data') return { outcome: 'ok', subject, message: 'readable' };
  const { reason } = reading;
  if (reading.state === 'absent') {
    const port = DATAPLANE.has(name) ? plan?.nics.find((nic) => nic.dataplane !== undefined)?.dataplane : undefined;
    if (port === undefined) return { outcome: 'skipped', subject, message: reason };
    return {
      outcome: 'warn',
      subject,
      message: `${reason}, though nics[].dataplane names ${port}`,
      fix: `fourlane collect ${name}`,
    };
  }
  const denied = /\b(?:EACCES|EPERM|permission denied|not permitted)\b/i.test(reason);
  const path = /(\/[\w./:-]*\w)/.exec(reason)?.[1];
  const fix =
    denied && path !== undefined && host.user !== 'root' ? `setfacl -m u:${host.user}:rwx ${path}` : `fourlane collect ${name}`;
  return { outcome: 'fail', subject, message: reason, fix };
}
