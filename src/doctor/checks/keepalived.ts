import type { Check } from '../check.ts';
import { lastDump } from '../keepalived.ts';

export const keepalived: Check = {
  name: 'keepalived',
  roles: ['load-balancer'],
  summary: "keepalived's state can be read",
  async run({ host }) {
    const pids = await host.processes('keepalived');
    if (pids.length === 0) return [{ outcome: 'skipped', message: 'keepalived does not run here' }];
    const { output } = await host.run(['keepalived', '-v']);
    const version = /^Keepalived (v\S+)/m.exec(output)?.[1] ?? 'of unknown version';
    if (!/\bJSON\b/.test(output)) {
      const message = `keepalived ${version} is built without JSON: its VRRP state is known from notify messages only`;
      return [{ outcome: 'warn', message, fix: './configure --enable-json   # in its source; or a package that has it' }];
    }
    try {
      const dump = await lastDump(host, pids);
      const seen = dump === undefined ? 'no dump yet' : `dump ${dump.path} is readable`;
      return [{ outcome: 'ok', message: `keepalived ${version} with JSON, ${seen}` }];
    } catch (error) {
      const message = `the dump of keepalived ${version} can't be read: ${(error as Error).message}; it is root's, mode 0600`;
      return [
        {
          outcome: 'fail',
          message,
          fix: `systemctl edit fourlane   # User=root, or CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE for ${host.user}`,
        },
      ];
    }
  },
};
