/** Real listeners on loopback, and one probe through the real engine, with names instead of codes. */
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after } from 'node:test';
import { checkKinds } from '../../src/checks/index.ts';
import { probeUntilTold } from '../../src/lanes/once.ts';
import { CAUSES, OUTCOMES, PHASES } from '../../src/model/outcome.ts';
import type { Address, CheckProfile } from '../../src/model/plan.ts';

export interface Seen {
  readonly outcome: string;
  readonly phase: string;
  readonly cause: string;
  readonly detail: number;
  readonly rttUs: number;
  readonly elapsedUs: number;
  readonly certificateNotAfterMs?: number;
}

/** Runs one check of `type` through `lo`. `parameters` go through the kind's own schema, as a config's do. */
export async function probe(
  type: string,
  parameters: object,
  port: number,
  { timeout = 300, ip = '127.0.0.1', device = 'lo', mark = 0 } = {},
): Promise<Seen> {
  const kind = checkKinds.find((k) => k.name === type)!;
  const own = kind.schema.parse(parameters) as object;
  const profile = { ...own, type, interval: 1000, timeout, fall: 3, rise: 2, mark } as CheckProfile;
  const address: Address = { family: ip.includes(':') ? 6 : 4, ip, port };
  const r = await probeUntilTold(device, undefined, profile, address);
  return { ...r, outcome: OUTCOMES[r.outcome]!, phase: PHASES[r.phase]!, cause: CAUSES[r.cause]! };
}

/** `outcome phase cause detail` in one string, for comparing. */
export function brief(s: Seen): string {
  return `${s.outcome} ${s.phase} ${s.cause} ${s.detail}`;
}

function listening<S extends Server>(server: S, ip: string): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (s: Socket) => {
    sockets.add(s);
    s.on('error', () => undefined); // probes end with RST
    s.on('close', () => sockets.delete(s));
  });
  after(() => {
    server.close();
    for (const s of sockets) s.destroy();
  });
  return new Promise((resolve) => server.listen(0, ip, () => resolve((server.address() as AddressInfo).port)));
}

/** A TCP listener until the tests end. @returns its port */
export function tcpServer(serve: (socket: Socket) => void = () => undefined, ip = '127.0.0.1'): Promise<number> {
  return listening(createServer(serve), ip);
}

/** An HTTP listener until the tests end. @returns its port */
export function httpServer(serve: RequestListener, ip = '127.0.0.1'): Promise<number> {
  return listening(createHttpServer(serve), ip);
}

/** A port nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A UDP socket until the tests end; no answer where `reply` gives none. @returns its port */
export function udpServer(reply: (message: Buffer) => Buffer | undefined, type: 'udp4' | 'udp6' = 'udp4'): Promise<number> {
  const socket = createSocket(type);
  socket.on('message', (message, from) => {
    const answer = reply(message);
    if (answer) socket.send(answer, from.port, from.address);
  });
  after(() => socket.close());
  return new Promise((resolve) => socket.bind(0, type === 'udp4' ? '127.0.0.1' : '::1', () => resolve(socket.address().port)));
}
