/**
 * dpvs-agent for tests, on a real socket: its recorded answers, and a stand-in with state that follows tools/dpvs-agent of DPVS
 * 1.10.2.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Call, Effect, Note, Outcome } from '../../src/act/actuator.ts';
import { dpvs } from '../../src/act/dpvs.ts';
import type { LiveRealServers } from '../../src/model/live-real-server.ts';
import { effectOf, UNTOUCHED } from './world.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/dpvs-agent');

export interface Recorded {
  /** 0: the agent dropped the connection. */
  readonly status: number;
  readonly body: string;
}

export function recorded(name: string): Recorded {
  const raw = readFileSync(join(FIXTURES, `${name}.http`), 'utf8');
  if (raw === '') return { status: 0, body: '' };
  return { status: Number(raw.split(' ', 2)[1]), body: raw.slice(raw.indexOf('\r\n\r\n') + 4) };
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** An HTTP server on loopback, or on a unix socket, that answers as `respond` says. */
export class AgentServer {
  readonly requests: Request[] = [];
  readonly #server: Server;
  respond: (request: Request) => Recorded | Promise<Recorded>;

  constructor(respond: (request: Request) => Recorded | Promise<Recorded>) {
    this.respond = respond;
    this.#server = createServer((incoming, response) => void this.#handle(incoming, response));
  }

  async listen(path?: string): Promise<void> {
    if (path === undefined) this.#server.listen(0, '127.0.0.1');
    else this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Bodies of the health updates so far. */
  get writes(): Request[] {
    return this.requests.filter((r) => r.method === 'PUT');
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const request = { method: incoming.method ?? '', path: incoming.url ?? '', body };
    this.requests.push(request);
    const { status, body: text } = await this.respond(request);
    if (status === 0) response.socket?.destroy();
    else response.writeHead(status, text === '' ? {} : { 'content-type': 'application/json' }).end(text);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** An effect for a real server of `web`, configured with weight 100. */
export function wishOf(url: string, realServer: string, weight: number, part: Partial<Effect> = {}): Effect {
  return effectOf({
    spec: { type: 'dpvs', url, headers: {}, timeout: 2000, recheck: 30_000 },
    kind: 'realServer',
    service: 'web',
    vip: '10.71.0.102:8081/tcp',
    realServer,
    state: weight === 0 ? 'disabled' : 'enabled',
    weight,
    configured: 100,
    ...part,
  });
}

/** Calls the actuator once. @param known notes by effect; without one it is untouched */
export async function call(
  effects: readonly Effect[],
  known: readonly (Note | undefined)[] = [],
  look?: Call['look'],
): Promise<readonly Outcome[]> {
  const notes = effects.map((_, i) => known[i] ?? UNTOUCHED);
  const outcomes = await dpvs.perform(effects[0]!.spec, effects as [Effect, ...Effect[]], {
    announce: false,
    notes,
    ...(look && { look }),
  });
  if (typeof outcomes === 'string') throw new Error(`one answer for all: ${outcomes}`);
  return outcomes;
}

export const results = (outcomes: readonly Outcome[]) => outcomes.map((o) => o.result);

/** Answers with recordings by path, 404 for everything else. */
export function replay(folder: string, names: Readonly<Record<string, string>>): (request: Request) => Recorded {
  return ({ method, path }) => {
    const name = method === 'GET' ? names[path] : undefined;
    return name === undefined ? { status: 404, body: '""\n' } : recorded(`${folder}/${name}`);
  };
}

export interface Rs {
  readonly ip: string;
  readonly port: number;
  weight: number;
  inhibited: boolean;
}

interface Cached {
  version: string;
  rss: (Rs & { readonly shown: string })[];
}

/** The model DPVS and its agent share with the recordings. Services by `VIP-PORT-PROTO`. */
export class FakeAgent {
  /** What DPVS has. */
  readonly dpvs = new Map<string, Rs[]>();
  readonly cache = new Map<string, Cached>();
  /** DPVS is built with CONFIG_DPVS_AGENT. */
  support = true;
  running = true;
  #versions = 1795409395000;

  readonly respond = ({ method, path, body }: Request): Recorded => {
    const [, id = '', health = '', version = ''] =
      /^\/v2\/vs(?:\/([^/?]+))?(\/rs\/health)?(?:\?(?:healthcheck|version)=(.*))?$/.exec(path) ?? [];
    if (path.startsWith('/v2/device/')) return { status: this.running ? 200 : 500, body: this.running ? '{"Items":[]}' : '""\n' };
    const [, edited] = /^\/v2\/vs\/([^/?]+)\/rs$/.exec(path) ?? [];
    if (method === 'PUT' && edited !== undefined) return this.#edit(edited, (JSON.parse(body) as { Items: Rs[] }).Items);
    if (method === 'PUT' && health) return this.#health(id, version, (JSON.parse(body) as { Items: Rs[] }).Items);
    if (method !== 'GET' || health) return { status: 405, body: '' };
    const isLive = version === 'true';
    if (id === '') return isLive ? this.#list() : ok([...this.cache.keys()].map((name) => this.#cached(name)));
    if (!isLive && this.cache.has(id)) return ok([this.#cached(id)]);
    if (!this.running || !this.dpvs.has(id)) return { status: 404, body: '""\n' };
    return this.support ? ok([model(id, this.dpvs.get(id)!.map(shown))]) : { status: 0, body: '' };
  };

  /** The owner makes a service through the agent, or changes it: PUT /vs/{id} and /vs/{id}/rs. */
  put(id: string, rss: readonly { readonly ip: string; readonly port: number; readonly weight: number }[]): void {
    this.direct(id, rss);
    const cached = this.cache.get(id) ?? { version: '', rss: [] };
    for (const { ip, port, weight } of rss) {
      // As in put_vs_vip_port_rs.go: weight and inhibited follow, and the version is the time.
      const known = cached.rss.find((rs) => idOf(rs) === goId(ip, port));
      if (known) Object.assign(known, { weight, inhibited: false });
      else cached.rss.push({ ...shown({ ip, port, weight, inhibited: false }) });
    }
    cached.version = String((this.#versions += 31));
    this.cache.set(id, cached);
  }

  /** Somebody changes DPVS without the agent: ipvsadm or keepalived. */
  direct(id: string, rss: readonly { readonly ip: string; readonly port: number; readonly weight: number }[]): void {
    const live = this.dpvs.get(id) ?? [];
    for (const { ip, port, weight } of rss) {
      const known = live.find((rs) => rs.ip === ip && rs.port === port);
      if (known) Object.assign(known, { weight, inhibited: false });
      else live.push({ ip, port, weight, inhibited: false });
    }
    this.dpvs.set(id, live);
  }

  /** DELETE /vs/{id}/rs: it does not update the cache. */
  remove(id: string, ip: string): void {
    this.dpvs.set(
      id,
      this.rss(id).filter((rs) => rs.ip !== ip),
    );
  }

  /** Another health checker's update, at the version of now. */
  health(id: string, item: Rs): void {
    this.#health(id, this.cache.get(id)!.version, [item]);
  }

  rss(id: string): Rs[] {
    return this.dpvs.get(id) ?? [];
  }

  rs(id: string, ip: string): Rs | undefined {
    return this.rss(id).find((rs) => rs.ip === ip);
  }

  #health(id: string, version: string, items: readonly Rs[]): Recorded {
    const cached = this.cache.get(id);
    if (!cached) return { status: 500, body: '""\n' };
    const valid = items.filter((item) => cached.rss.some((rs) => idOf(rs) === goId(item.ip, item.port)));
    if (version !== cached.version) return { status: 270, body: JSON.stringify(this.#cached(id)) };
    // DPVS edits one after the other and answers with the result of the last (src/ipvs/ip_vs_dest.c, dp_vs_dest_set).
    let last = true;
    for (const { ip, port, weight, inhibited } of valid) {
      const rs = this.rss(id).find((r) => r.ip === ip && r.port === port);
      last = rs !== undefined;
      if (rs) Object.assign(rs, { weight, inhibited });
    }
    if (!last) return { status: 460, body: '""\n' };
    for (const { ip, port, inhibited } of valid) cached.rss.find((rs) => idOf(rs) === goId(ip, port))!.inhibited = inhibited;
    return { status: 200, body: '' };
  }

  /** PUT /vs/{id}/rs: adds or edits whatever is sent, with weight and inhibited, and gives the service another version. */
  #edit(id: string, items: readonly Rs[]): Recorded {
    const cached = this.cache.get(id);
    if (!cached) return { status: 500, body: '""\n' };
    for (const item of items) {
      const rs = this.rss(id).find((r) => r.ip === item.ip && r.port === item.port);
      if (rs === undefined) this.dpvs.set(id, [...this.rss(id), { ...item }]);
      else Object.assign(rs, { weight: item.weight, inhibited: item.inhibited });
    }
    cached.version = String((this.#versions += 31));
    return { status: 200, body: '' };
  }

  /** Real servers as DPVS's control socket shows them. */
  readonly look = async (id: string): Promise<LiveRealServers> =>
    this.running
      ? new Map(
          this.rss(id).map(({ ip, port, weight, inhibited }) => [
            ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`,
            { weight, inhibited, forward: 'FullNAT' },
          ]),
        )
      : undefined;

  #list(): Recorded {
    if (!this.running || !this.support) return { status: 204, body: '' };
    return ok([...[...this.dpvs].map(([id, rss]) => model(id, rss.map(shown))), null]);
  }

  #cached(id: string) {
    const { version, rss } = this.cache.get(id)!;
    return { ...model(id, rss), Version: version };
  }
}

/** RealServerSpec.GetAddr knows IPv4 only: an IPv6 address is shown as '', and left out by omitempty. */
function shown(rs: Rs) {
  return { ...rs, shown: rs.ip.includes(':') ? '' : rs.ip };
}

/** RealServerSpecExpandModel.ID(): net.ParseIP of what is shown. */
function idOf(rs: { readonly shown: string; readonly port: number }): string {
  return `${rs.shown === '' ? '<nil>' : rs.shown}:${rs.port}`;
}

/** RealServerSpec.ID() of an item sent. */
function goId(ip: string, port: number): string {
  return `${ip.includes(':') ? '' : ip}:${port}`;
}

function ok(items: readonly unknown[]): Recorded {
  return { status: 200, body: JSON.stringify({ Items: items }) };
}

/** Keys and forms as recorded. */
function model(id: string, rss: readonly (Rs & { readonly shown: string })[]) {
  const [addr = '', port, proto] = id.split('-');
  const isV6 = addr.includes(':');
  return {
    Addr: addr,
    Af: isV6 ? 10 : 2,
    DestCheck: null,
    ExpireQuiescent: 'false',
    Match: { Dest: {}, Src: {} },
    Netmask: isV6 ? 128 : 4294967295,
    Port: Number(port),
    Proto: proto === 'udp' ? 17 : 6,
    Quic: 'false',
    RSs: {
      Items: rss.map(({ shown: ip, port: rsPort, weight, inhibited }) => ({
        Spec: { inhibited, ...(ip === '' ? {} : { ip }), mode: 'FNAT', overloaded: false, port: rsPort, weight },
        Stats: {},
      })),
    },
    SchedName: 'wrr',
    Stats: {},
    SynProxy: 'false',
  };
}
