import type { Check } from '../check.ts';

export const config: Check = {
  name: 'config',
  roles: ['load-balancer'],
  summary: 'the configuration is valid',
  run({ config: { file, plan, problem } }) {
    if (file === undefined) {
      return Promise.resolve([
        {
          outcome: 'skipped',
          message: 'no configuration is named; checks that need its NICs and services are skipped too',
          fix: 'fourlane doctor --config /etc/fourlane.yaml',
        },
      ]);
    }
    if (plan === undefined) {
      const [first = '', ...more] = (problem ?? '').split('\n').filter((line) => line !== '');
      const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
      return Promise.resolve([{ outcome: 'fail', message: `${first}${rest}`, fix: `fourlane check-config --config ${file}` }]);
    }
    const { nics, services, targets } = plan;
    return Promise.resolve([
      {
        outcome: 'ok',
        message: `${file}; NICs: ${nics.length}, services: ${services.length}, checks per NIC: ${targets.length}`,
      },
    ]);
  },
};
