/**
 * An honest stand-in for the load balancer's forwarding (the lab's kernel has no IPVS): listens on every VIP and carries each
 * connection to an enabled real server through an enabled NIC, by weighted round robin. Only the agent's webhook changes what is
 * enabled; nothing is retried or repaired here, so a fault hurts clients until the agent acts. Argument: JSON of
 * `DataplaneOptions`.
 */
import { createServer, connect, type Socket } from 'node:net';
import { type Change, Switchboard, type SwitchboardService } from './switchboard.ts';
import { now, serveControl, tellReady } from './control.ts';
import { forward } from './forward.ts';
import { watchPauses } from './pauses.ts';

export interface DataplaneOptions {
  readonly control: string;
  /** Unix socket at which the agent's HTTP port becomes reachable from outside the namespace. */
  readonly agentSocket: string;
  readonly agentPort: number;
  readonly agentHost: string;
  readonly webhookPort: number;
  readonly services: readonly (SwitchboardService & { readonly host: string; readonly port: number })[];
  /** Source addresses per NIC; routing rules tie each to its NIC. */
  readonly sources: Readonly<Record<string, { readonly 4: string; readonly 6?: string }>>;
}

/** One connection that brought no answer. `t` is when the client arrived. */
export interface Failure {
  readonly t: number;
  readonly service: string;
  readonly nic: string;
  readonly rs: string;
  readonly error: string;
}

const KEEP = 50_000;
const options = JSON.parse(process.argv[2]!) as DataplaneOptions;
const board = new Switchboard(options.services);
const changes: Change[] = [];
const failures: Failure[] = [];
let announcements = 0;
let carried = 0;

for (const service of options.services) {
  const server = createServer({ allowHalfOpen: true }, (client) => carry(service.name, client));
  server.listen({ host: service.host, port: service.port, backlog: 4096 });
}

function carry(service: string, client: Socket): void {
  const t = now();
  const choice = board.choose(service);
  const fail = (error: string) => {
    failures.push({ t, service, nic: choice?.nic ?? '', rs: choice?.rs ?? '', error });
    if (failures.length > KEEP) failures.shift();
    client.resetAndDestroy();
  };
  client.on('error', () => client.destroy());
  if (choice === undefined) return fail('nothing enabled');
  const { host, port } = split(choice.rs);
  const localAddress = options.sources[choice.nic]![host.includes(':') ? 6 : 4];
  const server = connect({ host, port, allowHalfOpen: true, ...(localAddress === undefined ? {} : { localAddress }) });
  let error = 'client gave up';
  server.on('error', (each: NodeJS.ErrnoException) => {
    error = each.code ?? each.message;
    server.destroy();
  });
  server.on('close', () => {
    if (server.bytesRead === 0) fail(error);
    else carried++;
  });
  client.on('close', () => server.destroy());
  client.pipe(server);
  server.pipe(client);
  return undefined;
}

function split(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

await serveControl(
  { host: '127.0.0.1', port: options.webhookPort },
  {
    '/effects': (_query, body) => {
      announcements++;
      const changed = board.apply(body, now());
      changes.push(...changed);
      return { changed: changed.length };
    },
  },
);
await forward({ path: options.agentSocket }, { host: options.agentHost, port: options.agentPort });
const since = (query: URLSearchParams) => Number(query.get('since') ?? 0);
await serveControl(options.control, {
  '/pauses': watchPauses(),
  '/changes': (query) => changes.filter((change) => change.t >= since(query)),
  '/failures': (query) => failures.filter((failure) => failure.t >= since(query)),
  '/state': () => ({ ...board.state(), announcements, carried }),
  '/reset': () => {
    board.reset();
    changes.length = 0;
    failures.length = 0;
    return { ok: true };
  },
});
tellReady();
