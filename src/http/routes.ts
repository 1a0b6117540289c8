/** The routes of the agent's HTTP door. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { FourlaneError } from '../model/errors.ts';
import { parseDuration } from '../model/schema.ts';
import { acceptsGzip, negotiateFormat } from './accept.ts';
import { CONTENT_TYPES } from '../metrics/exposition.ts';
import type { AgentLink } from './agent.ts';
import { guardMutation } from './guard.ts';
import { PAGE_CSP, renderPage } from './page/page.ts';
import { reportStatus, reportTransition, reportVerdict } from '../report/report.ts';
import { Scraper } from './scrape.ts';
import { bySeverity } from '../report/verdicts.ts';
import type { AgentView } from '../report/view.ts';
import { reportWhy } from '../report/why.ts';

/** A client that takes longer to read a scrape is cut off. */
const SEND_MS = 30_000;

/** Scrapes being sent at one time: each may hold a body of megabytes while its reader dawdles. */
const MAX_SCRAPES = 16;

type Handler = (req: IncomingMessage, res: ServerResponse, query: URLSearchParams) => void | Promise<void>;

export class Routes {
  readonly #agent: AgentLink;
  readonly #view: AgentView;
  readonly #scraper: Scraper;
  #scrapes = 0;
  readonly #routes: Record<string, { readonly method: 'GET' | 'POST'; readonly handler: Handler }> = {
    '/': { method: 'GET', handler: (_, res, query) => this.#page(res, query) },
    '/metrics': { method: 'GET', handler: (req, res) => this.#metrics(req, res) },
    '/-/healthy': { method: 'GET', handler: (_, res) => sendText(res, 'healthy\n') },
    '/-/ready': { method: 'GET', handler: (_, res) => this.#ready(res) },
    '/-/reload': { method: 'POST', handler: (req, res) => this.#reload(req, res) },
    '/api/v1/status': { method: 'GET', handler: (_, res, query) => this.#status(res, query) },
    '/api/v1/why': { method: 'GET', handler: (_, res, query) => this.#why(res, query) },
    '/api/v1/verdicts': { method: 'GET', handler: (_, res, query) => this.#verdicts(res, query) },
  };

  constructor(agent: AgentLink) {
    this.#agent = agent;
    this.#view = agent.view;
    if (agent.chaos !== undefined) {
      this.#routes['/-/chaos'] = {
        method: 'POST',
        handler: (req, res, query) => this.#chaos(req, res, query.get('crashLane') ?? ''),
      };
    }
    this.#scraper = new Scraper(agent.metrics, () => ({
      cluster: this.#view.plan().cluster,
      server: this.#view.plan().server,
    }));
  }

  /** Answers one request, or throws the FourlaneError that is the answer. */
  async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
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
    await route.handler(req, res, new URLSearchParams(search));
  }

  async #metrics(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (this.#scrapes >= MAX_SCRAPES) throw new FourlaneError('OVERLOADED', `${MAX_SCRAPES} scrapes are being sent already`);
    const format = negotiateFormat(req.headers.accept);
    const gzipped = acceptsGzip(req.headers['accept-encoding']?.toString());
    this.#scrapes++;
    try {
      const body = await this.#scraper.scrape(format, gzipped);
      res.setHeader('Content-Type', CONTENT_TYPES[format]);
      res.setHeader('Vary', 'Accept, Accept-Encoding');
      if (gzipped) res.setHeader('Content-Encoding', 'gzip');
      res.setHeader('Content-Length', body.bytes.length);
      res.end(body.bytes);
      const cut = setTimeout(() => res.destroy(), SEND_MS);
      // A client that goes away is no error of ours.
      await finished(res).catch(() => undefined);
      clearTimeout(cut);
      body.release();
    } finally {
      this.#scrapes--;
    }
  }

  #page(res: ServerResponse, query: URLSearchParams): void {
    res.setHeader('Content-Security-Policy', PAGE_CSP);
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.end(renderPage(this.#view, query));
  }

  #ready(res: ServerResponse): void {
    const { ready, reason } = this.#view.ready();
    if (!ready) throw new FourlaneError('NOT_READY', reason);
    sendText(res, 'ready\n');
  }

  async #reload(req: IncomingMessage, res: ServerResponse): Promise<void> {
    guardMutation(req, this.#view.plan());
    const { ok, code = 'CONFIG_INVALID', message, errors } = await this.#agent.reload();
    if (!ok) throw new FourlaneError(code, [message, ...(errors ?? [])].join('\n'));
    sendJson(res, { message, revision: this.#view.plan().revision });
  }

  async #chaos(req: IncomingMessage, res: ServerResponse, nic: string): Promise<void> {
    guardMutation(req, this.#view.plan());
    if ((await this.#agent.chaos?.(nic)) !== true) throw new FourlaneError('NOT_FOUND', `no lane "${nic}"`);
    sendJson(res, { message: `the lane of ${nic} was made to throw` });
  }

  #status(res: ServerResponse, query: URLSearchParams): void {
    const members = query.get('realServers') ?? 'all';
    if (members !== 'all' && members !== 'altered') throw new FourlaneError('BAD_REQUEST', 'realServers is all or altered');
    sendJson(res, reportStatus(this.#view, members));
  }

  #why(res: ServerResponse, query: URLSearchParams): void {
    const nic = query.get('nic');
    const rs = query.get('rs');
    if ((nic === null) === (rs === null)) throw new FourlaneError('BAD_REQUEST', 'ask with either ?nic=NAME or ?rs=HOST:PORT');
    sendJson(res, reportWhy(this.#view, nic === null ? { rs: rs! } : { nic }));
  }

  #verdicts(res: ServerResponse, query: URLSearchParams): void {
    const view = this.#view;
    const since = sinceMonotonic(view, query.get('since'));
    sendJson(res, {
      time: new Date(Math.round(view.now() + view.wallOffsetMs())).toISOString(),
      verdicts: bySeverity(view.verdicts()).map((v) => reportVerdict(view, v)),
      transitions: view.history.since(since).map((t) => reportTransition(view, t)),
    });
  }
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

function sendText(res: ServerResponse, text: string): void {
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end(text);
}

function sendJson(res: ServerResponse, value: unknown): void {
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.end(`${JSON.stringify(value)}\n`);
}
