import { bgp as collector } from '../../collect/bgp.ts';
import type { DaemonTuning, UnreadDaemon } from '../../routing/tuning.ts';
import { BIRD_SOCKET, FRR_DIRECTORY } from '../../routing/places.ts';
import type { Sockets } from '../../routing/speaker.ts';
import { BGP_RULES } from '../bgp/rules.ts';
import type { Check, Finding } from '../check.ts';
import type { Host } from '../host.ts';

const BIRD_FILES = ['/etc/bird/bird.conf', '/etc/bird.conf'];

const isRead = (one: DaemonTuning | UnreadDaemon): one is DaemonTuning => 'sessions' in one;
const isUnread = (one: DaemonTuning | UnreadDaemon): one is UnreadDaemon => 'problem' in one;

/** Rules BGP01 to BGP09: docs/bgp.md. */
export const bgp: Check = {
  name: 'bgp',
  roles: ['load-balancer'],
  summary: 'routing daemons notice a dead path soon, and let out only what is planned',
  async run({ host, config: { plan } }) {
    const settings = plan?.collectors[collector.name];
    if (settings === false) return [{ outcome: 'skipped', message: 'the collector bgp is turned off' }];
    const { frr = FRR_DIRECTORY, bird = BIRD_SOCKET } = (settings ?? {}) as Partial<Sockets>;
    const found = await host.routing({ frr, bird });
    if (found.length === 0) return [{ outcome: 'skipped', message: 'no routing daemon runs here' }];
    const daemons = found.filter(isRead);
    const unread = found.filter(isUnread);
    const birdConfig = await birdConfigOf(host, daemons);
    const look = { daemons, unread, uplinks: plan?.bgp?.uplinks ?? [], ...birdConfig };
    const findings = BGP_RULES.flatMap(({ code, level, fix, find }) =>
      find(look).map(({ subject, message }): Finding => ({ outcome: level, subject, message: `${code} ${message}`, fix })),
    );
    const broken = unread
      .filter(({ denied }) => !denied)
      .map(({ path, problem }): Finding => ({ outcome: 'fail', subject: path, message: problem }));
    const all = [...broken, ...findings];
    const sessions = daemons.reduce((sum, daemon) => sum + daemon.sessions.length, 0);
    const names = daemons.map(({ daemon }) => daemon).join(', ');
    return all.length > 0 ? all : [{ outcome: 'ok', message: `${names}: ${sessions} sessions, nothing found` }];
  },
};

/** The text of BIRD's configuration where it usually is, when BIRD runs and we may read it. */
async function birdConfigOf(host: Host, daemons: readonly DaemonTuning[]): Promise<{ readonly birdConfig?: string }> {
  if (!daemons.some(({ daemon }) => daemon === 'bird')) return {};
  for (const path of BIRD_FILES) {
    const text = await host.read(path).catch(() => undefined);
    if (text !== undefined) return { birdConfig: text };
  }
  return {};
}
