/**
 * Real servers of one family in a process of their own. Well-behaved at first; told to attack, they are hostile from the next
 * connection on. Hostile ones run at the lowest priority: what they take from the agent must not be the machine's CPU.
 */
import type { Socket as Datagrams } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { floodReplies, udpServer } from './servers/datagrams.ts';
import type { Family } from './servers/family.ts';
import { http } from './servers/http.ts';
import { tcp } from './servers/tcp.ts';
import { tls } from './servers/tls.ts';

export interface ServersInit {
  readonly family: 'http' | 'tcp' | 'tls' | 'udp' | 'ping';
  /** Which hostility; '' = none, ever. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
  /** Of the agent: whom a flood is for. */
  readonly sources: readonly string[];
}
export type ToServers = { readonly do: 'attack' } | { readonly do: 'kill'; readonly address: string };

const FAMILIES: Readonly<Record<'http' | 'tcp' | 'tls', Family>> = { http, tcp, tls };
const { family, name, addresses, port, sources } = JSON.parse(process.argv[2]!) as ServersInit;
const servers = new Map<string, Server | Datagrams>();
let attacking = false;

function talk(socket: Socket): void {
  socket.on('error', () => undefined);
  const { tame, hostile } = FAMILIES[family as 'http'];
  (attacking ? hostile[name]! : tame)(socket);
}

async function listen(address: string): Promise<void> {
  if (family === 'udp') {
    servers.set(address, await udpServer(address, port, () => (attacking ? [500, 1400] : [1, 5])));
    return;
  }
  const server = createServer({ allowHalfOpen: true }, talk);
  await new Promise<void>((resolve) => server.listen({ host: address, port, backlog: 1024 }, resolve));
  servers.set(address, server);
}

if (name !== '') setPriority(19);
process.on('message', (message: ToServers) => {
  if (message.do === 'kill') servers.get(message.address)!.close();
  else {
    attacking = true;
    if (family === 'ping') floodReplies(sources);
  }
});
process.on('disconnect', () => process.exit());
if (name !== '' && family in FAMILIES) FAMILIES[family as 'tls'].hostile[name]!.prepare?.();
if (family !== 'ping') for (const address of addresses) await listen(address);
process.send!('listening');
