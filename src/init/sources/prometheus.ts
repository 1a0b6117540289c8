/** A Prometheus on this machine, so that its operator sees what to add to its configuration. */
import type { Look, Machine, Source } from '../source.ts';

const ENDPOINT = 'http://127.0.0.1:9090';

async function look({ host }: Machine): Promise<Look> {
  const status = await host.get(ENDPOINT, '/-/healthy', {}).catch(() => undefined);
  if (status !== 200) return { outcome: 'absent', text: `nothing answers at ${ENDPOINT}` };
  const remark = [
    `Prometheus answers at ${ENDPOINT}. To have it read the agent's metrics, add to scrape_configs of its file:`,
    '  - job_name: fourlane',
    "    static_configs: [{targets: ['127.0.0.1:9844']}]",
    'Rules and alerts for it are in alerts/.',
  ];
  return { outcome: 'found', text: `${ENDPOINT} answers`, facts: { remarks: [remark] } };
}

export const prometheus: Source = { name: 'prometheus', summary: 'a Prometheus that answers here', look };
