/**
 * dpvs-agent needs a DPVS that was built with CONFIG_DPVS_AGENT=y (the default is n). Without it the agent runs and answers, but
 * shows and changes nothing; of all its reads, only the list with `healthcheck=true` shows it: 204 without support, 200 with it.
 * Others, such as that of a single service, make such an agent crash, so nothing else is asked.
 */
import type { ActuatorSpec } from '../../model/plan.ts';
import type { Check, Finding } from '../check.ts';
import type { Host } from '../host.ts';

const REBUILD =
  "sed -i 's/^CONFIG_DPVS_AGENT=.*/CONFIG_DPVS_AGENT=y/' config.mk && make && make install   # in the source of DPVS";

export const dpvsAgent: Check = {
  name: 'dpvs_agent',
  roles: ['load-balancer'],
  summary: 'DPVS was built with support for dpvs-agent',
  async run({ host, config: { plan } }) {
    const specs = new Map(
      plan?.services.flatMap(({ actuator }) => (actuator.type === 'dpvs' ? [[actuator['url'] as string, actuator]] : [])),
    );
    if (specs.size === 0) return [{ outcome: 'skipped', message: 'no service has actuator dpvs' }];
    return Promise.all([...specs].map(([url, spec]) => judge(host, url, spec)));
  },
};

async function judge(host: Host, url: string, spec: ActuatorSpec): Promise<Finding> {
  const headers = (spec['headers'] ?? {}) as Readonly<Record<string, string>>;
  const status = await host.get(url, '/v2/vs?healthcheck=true', headers).catch((error: unknown) => (error as Error).message);
  if (status === 200) return { outcome: 'ok', subject: url, message: 'dpvs-agent answers, DPVS supports it' };
  if (status === 204) {
    const message = 'dpvs-agent answers, but DPVS was built without CONFIG_DPVS_AGENT: real servers can not be disabled';
    return { outcome: 'fail', subject: url, message, fix: REBUILD };
  }
  const answer = typeof status === 'number' ? `answers ${status}` : `does not answer: ${status}`;
  return {
    outcome: 'fail',
    subject: url,
    message: `dpvs-agent ${answer}`,
    fix: `dpvs-agent ${listen(url)} --ipc-sockopt-path /var/run/dpvs.ipc`,
  };
}

/** Its port is a random one by default. */
function listen(url: string): string {
  if (url.startsWith('unix:')) return `--scheme unix --socket-path ${url.slice('unix:'.length)}`;
  const { hostname, port } = new URL(url);
  return `--host ${hostname} --port ${port === '' ? '80' : port}`;
}
