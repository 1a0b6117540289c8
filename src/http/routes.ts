/** The routes of the agent's HTTP door. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FourlaneError } from '../model/errors.ts';
import { parseDuration } from '../model/duration.ts';
import { acceptsGzip, negotiateFormat } from './accept.ts';
import { CONTENT_TYPES } from '../metrics/exposition.ts';
import type { AgentLink } from './agent.ts';
import { Bodies } from './bodies.ts';
import { guardMutation, guardRead } from './guard.ts';
import type { Guesses } from './guesses.ts';
import { renderFleet } from './page/fleet.ts';
import { PAGE_CSP } from './page/document.ts';
import { renderPage } from './page/page.ts';
import { reportStatus, reportTransition, reportVerdict } from '../report/report.ts';
import { reportSync } from '../report/sync.ts';
import { Scraper } from './scrape.ts';
import { send } from './send.ts';
import { bySeverity } from '../report/verdicts.ts';
import type { AgentView, FleetAnswer } from '../report/view.ts';
import { peerOf } from '../sys/peer.ts';
import { reportWhy } from '../report/why.ts';

/** The judge has not turned for this long: the agent is not healthy, ms. */
const SILENT_MS = 5000;
const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/** By which way a request came: whoever could connect to the control socket may make changes. */
export type Door = 'tcp' | 'control';

interface Asked {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly query: URLSearchParams;
  readonly door: Door;
}
interface Of {
  readonly moment: number;
  readonly key: string;
}
type Handler = (asked: Asked) => void | Promise<void>;

export interface RoutesOptions {
  /** Names of the agent in a Host header, besides those of the machine. */
  readonly names: readonly string[];
  readonly guesses: Guesses;
}

export class Routes {
  readonly #agent: AgentLink;
  readonly #view: AgentView;
  readonly #bodies = new Bodies();
  readonly #scraper: Scraper;
  readonly #routes: Record<string, { readonly method: 'GET' | 'POST'; readonly handler: Handler }> = {
    '/': { method: 'GET', handler: (asked) => this.#page(asked) },
    '/cluster': { method: 'GET', handler: (asked) => this.#fleetPage(asked) },
    '/metrics': { method: 'GET', handler: (asked) => this.#metrics(asked) },
    '/-/healthy': { method: 'GET', handler: (asked) => this.#healthy(asked) },
    '/-/ready': { method: 'GET', handler: (asked) => this.#ready(asked) },
    '/-/reload': { method: 'POST', handler: (asked) => this.#reload(asked) },
    '/api/v1/status': { method: 'GET', handler: (asked) => this.#status(asked) },
    '/api/v1/cluster': { method: 'GET', handler: (asked) => this.#fleet(asked) },
    '/api/v1/why': { method: 'GET', handler: (asked) => this.#why(asked) },
    '/api/v1/shadow': { method: 'GET', handler: (asked) => this.#shadow(asked) },
    '/api/v1/sync': { method: 'GET', handler: (asked) => this.#sync(asked) },
    '/api/v1/verdicts': { method: 'GET', handler: (asked) => this.#verdicts(asked) },
  };
  readonly #guesses: Guesses;
  readonly #names: readonly string[];

  constructor(agent: AgentLink, { names, guesses }: RoutesOptions) {
    this.#agent = agent;
    this.#names = names;
    this.#guesses = guesses;
    this.#view = agent.view;
    if (agent.chaos !== undefined) {
      this.#routes['/-/chaos'] = {
        method: 'POST',
        handler: (asked) => this.#chaos(asked),
      };
    }
    this.#scraper = new Scraper(this.#bodies, agent.metrics, () => ({
      cluster: this.#view.plan().cluster,
      server: this.#view.plan().server,
    }));
  }

  /** Answers one request, or throws the FourlaneError that is the answer. */
  async answer(req: IncomingMessage, res: ServerResponse, door: Door): Promise<void> {
    if (door === 'tcp') guardRead(req, this.#names);
    // Paths are compared as they were sent: no decoding, no `..`, nothing to be confused by.
    const [path = '', search = ''] = (req.url ?? '').split('?', 2);
    const route = Object.hasOwn(this.#routes, path) ? this.#routes[path] : undefined;
    if (route === undefined)
      throw new FourlaneError('NOT_FOUND', `no such path; there are ${Object.keys(this.#routes).join(' ')}`);
    const allowed = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
    if (!allowed.includes(req.method ?? '')) {
      res.setHeader('Allow', allowed.join(', '));
      throw new FourlaneError('METHOD_NOT_ALLOWED', `use ${allowed.join(' or ')} here`);
    }
    await route.handler({ req, res, query: new URLSearchParams(search), door });
  }

  async #metrics({ req, res }: Asked): Promise<void> {
    const format = negotiateFormat(req.headers.accept);
    const gzipped = acceptsGzip(req.headers['accept-encoding']?.toString());
    const body = await this.#scraper.scrape(await this.#agent.refresh(), format, gzipped);
    res.setHeader('Content-Type', CONTENT_TYPES[format]);
    res.setHeader('Vary', 'Accept, Accept-Encoding');
    if (gzipped) res.setHeader('Content-Encoding', 'gzip');
    await send(res, body.bytes);
    body.release();
  }

  async #page({ res, query }: Asked): Promise<void> {
    res.setHeader('Content-Security-Policy', PAGE_CSP);
    await this.#shared(res, 'text/html; charset=utf-8', `page ${query.toString()}`, () => renderPage(this.#view, query));
  }

  async #fleetPage({ res, query }: Asked): Promise<void> {
    const seen = await this.#lookAtFleet();
    await this.#agent.refresh();
    res.setHeader('Content-Security-Policy', PAGE_CSP);
    const make = () => renderFleet(this.#view, seen, query);
    await this.#give(res, 'text/html; charset=utf-8', { moment: seen.number, key: `fleet ${query.toString()}` }, make);
  }

  async #fleet({ res }: Asked): Promise<void> {
    const { number, at, error, status } = await this.#lookAtFleet();
    const head = JSON.stringify({ time: at === 0 ? null : new Date(at).toISOString(), error });
    const make = () => `${head.slice(0, -1)},"status":${status || 'null'}}\n`;
    await this.#give(res, JSON_TYPE, { moment: number, key: 'fleet' }, make);
  }

  async #lookAtFleet(): Promise<FleetAnswer> {
    const seen = await this.#agent.fleet();
    if (seen === undefined)
      throw new FourlaneError('NOT_FOUND', 'this server is alone: its configuration has no cluster.etcd; see docs/cluster.md');
    return seen;
  }

  async #healthy({ res }: Asked): Promise<void> {
    await this.#alive();
    await sendText(res, 'healthy\n');
  }

  async #ready({ res }: Asked): Promise<void> {
    await this.#alive();
    const { ready, reason } = this.#view.ready();
    if (!ready) throw new FourlaneError('NOT_READY', reason);
    await sendText(res, 'ready\n');
  }

  /**
   * Whatever stopped the judge (SIGSTOP, no CPU) may have stopped this thread too: the agent gets a turn before it is called
   * silent.
   */
  async #alive(): Promise<void> {
    if (this.#agent.silentMs() < SILENT_MS) return;
    await this.#agent.refresh();
    const silent = this.#agent.silentMs();
    if (silent >= SILENT_MS)
      throw new FourlaneError('STALLED', `the judge has not turned for ${Math.round(silent / 1000)} s; the log may say why`);
  }

  /** By the plan that is followed now. */
  async #guard({ req, door }: Asked): Promise<void> {
    if (door === 'control') return;
    await this.#agent.refresh();
    await guardMutation(req, this.#view.plan(), this.#guesses);
  }

  async #reload(asked: Asked): Promise<void> {
    const { res } = asked;
    await this.#guard(asked);
    const { ok, code = 'CONFIG_INVALID', message, errors } = await this.#agent.reload(askerOf(asked));
    if (!ok) throw new FourlaneError(code, [message, ...(errors ?? [])].join('\n'));
    await this.#agent.refresh();
    await sendJson(res, { message, revision: this.#view.plan().revision });
  }

  async #chaos(asked: Asked): Promise<void> {
    const { res, query } = asked;
    const nic = query.get('crashLane') ?? '';
    await this.#guard(asked);
    if ((await this.#agent.chaos?.(nic)) !== true) throw new FourlaneError('NOT_FOUND', `no lane "${nic}"`);
    await sendJson(res, { message: `the lane of ${nic} was made to throw` });
  }

  async #status({ res, query }: Asked): Promise<void> {
    const members = query.get('realServers') ?? 'all';
    if (members !== 'all' && members !== 'altered') throw new FourlaneError('BAD_REQUEST', 'realServers is all or altered');
    await this.#json(res, `status ${members}`, () => reportStatus(this.#view, members));
  }

  async #why({ res, query }: Asked): Promise<void> {
    const nic = query.get('nic');
    const rs = query.get('rs');
    if ((nic === null) === (rs === null)) throw new FourlaneError('BAD_REQUEST', 'ask with either ?nic=NAME or ?rs=HOST:PORT');
    await this.#json(res, `why ${query.toString()}`, () => reportWhy(this.#view, nic === null ? { rs: rs! } : { nic }));
  }

  async #shadow({ res }: Asked): Promise<void> {
    const seen = await this.#agent.shadow();
    if (seen === undefined) throw new FourlaneError('NOT_FOUND', 'no service is in shadow mode; see import.keepalived');
    await sendJson(res, seen);
  }

  async #sync({ res }: Asked): Promise<void> {
    await this.#json(res, 'sync', () => {
      const seen = reportSync(this.#view.plan().server, this.#agent.metrics.families());
      if (seen === undefined)
        throw new FourlaneError('NOT_FOUND', 'kernel LVS is not read here; see collectors.ipvs in the status');
      return seen;
    });
  }

  async #verdicts({ res, query }: Asked): Promise<void> {
    const view = this.#view;
    await this.#json(res, `verdicts ${query.toString()}`, () => {
      const since = sinceMonotonic(view, query.get('since'));
      return {
        time: new Date(Math.round(view.now() + view.wallOffsetMs())).toISOString(),
        verdicts: bySeverity(view.verdicts()).map((v) => reportVerdict(view, v)),
        transitions: view.history.since(since).map((t) => reportTransition(view, t)),
      };
    });
  }

  #json(res: ServerResponse, key: string, make: () => unknown): Promise<void> {
    return this.#shared(res, JSON_TYPE, key, () => `${JSON.stringify(make())}\n`);
  }

  /** Answers with what `make` makes of the present moment; who asks for the same `key` shares it. */
  async #shared(res: ServerResponse, type: string, key: string, make: () => string): Promise<void> {
    await this.#give(res, type, { moment: await this.#agent.refresh(), key }, make);
  }

  /** The same with the number of a moment, or of whatever the answer is made from. */
  async #give(res: ServerResponse, type: string, { moment, key }: Of, make: () => string): Promise<void> {
    const body = await this.#bodies.take(moment, key, () => ({ bytes: Buffer.from(make()) }));
    res.setHeader('Content-Type', type);
    await send(res, body.bytes);
    body.release();
  }
}

/** Who asks for a change, for the log. */
function askerOf({ req, door }: Asked): string {
  if (door === 'tcp') return req.socket.remoteAddress ?? 'an address that has gone';
  const peer = peerOf(req.socket);
  return peer === undefined ? 'a process that has gone' : `uid ${peer.uid}, process ${peer.pid}`;
}

/** `since=`: a time (ISO 8601, or Unix ms) or how long ago (`5m`). Without it, everything remembered. */
function sinceMonotonic(view: AgentView, since: string | null): number {
  if (since === null) return Number.NEGATIVE_INFINITY;
  const ago = parseDuration(since);
  if (ago !== undefined) return view.now() - ago;
  const wall = /^\d+(\.\d+)?$/.test(since) ? Number(since) : Date.parse(since);
  if (Number.isNaN(wall))
    throw new FourlaneError('BAD_REQUEST', 'since is a time like 2026-01-31T12:00:00Z, Unix milliseconds, or a duration like 5m');
  return wall - view.wallOffsetMs();
}

function sendText(res: ServerResponse, text: string): Promise<void> {
  res.setHeader('Content-Type', TEXT);
  return send(res, Buffer.from(text));
}

function sendJson(res: ServerResponse, value: unknown): Promise<void> {
  res.setHeader('Content-Type', JSON_TYPE);
  return send(res, Buffer.from(`${JSON.stringify(value)}\n`));
}
