/** etcd: where its own tool is told to find it, where the one that runs here listens, or its default. */
import type { Look, Machine, Source } from '../source.ts';

const DEFAULT_ENDPOINT = 'http://127.0.0.1:2379';
/** Where packages write the configuration of the daemon: Debian, upstream's unit. */
const FILES = ['/etc/default/etcd', '/etc/etcd/etcd.conf'];

/** Endpoints of a setting such as `http://127.0.0.1:2379,http://10.0.0.5:2379`, on any interface taken as this machine. */
function endpointsIn(text: string | undefined): string[] {
  return (text ?? '')
    .replace(/["']/g, '')
    .split(',')
    .map((each) => each.trim().replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//127.0.0.1:').replace(/\/$/, ''))
    .filter((each) => /^https?:\/\/[^/\s@]+$/.test(each));
}

async function told({ host, env }: Machine): Promise<readonly string[]> {
  const wanted = [...endpointsIn(env['ETCDCTL_ENDPOINTS'])];
  for (const file of FILES) {
    const text = await host.read(file).catch(() => undefined);
    wanted.push(...endpointsIn(/^ETCD_LISTEN_CLIENT_URLS=(.*)$/m.exec(text ?? '')?.[1]));
  }
  for (const pid of await host.processes('etcd')) {
    const argv = (await host.read(`/proc/${pid}/cmdline`).catch(() => undefined))?.split('\0').join(' ') ?? '';
    wanted.push(...endpointsIn(/--listen-client-urls[= ](\S+)/.exec(argv)?.[1]));
  }
  return [...new Set([...wanted, DEFAULT_ENDPOINT])];
}

async function look(machine: Machine): Promise<Look> {
  const asked = await told(machine);
  for (const endpoint of asked) {
    const status = await machine.host.get(endpoint, '/version', {}).catch(() => undefined);
    if (status === 200) return found(endpoint, 'answers');
  }
  // With certificates it answers only to who has one.
  const secure = asked.find((endpoint) => endpoint.startsWith('https:'));
  if (secure !== undefined) return found(secure, 'is configured, and not asked: it wants certificates');
  return { outcome: 'absent', text: `nothing answers at ${asked.join(', ')}` };
}

function found(endpoint: string, how: string): Look {
  const remark = [`etcd ${how}: ${endpoint}. This version of fourlane does not use it: nothing is configured for it.`];
  return { outcome: 'found', text: `${endpoint} ${how}`, facts: { remarks: [remark] } };
}

export const etcd: Source = { name: 'etcd', summary: 'an etcd that answers here', look };
