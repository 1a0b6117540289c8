/**
 * HTTP on `listen` and on the control socket: limits against slow, huge and too many requests, and errors as JSON. What it
 * answers is in `routes.ts`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ERRORS, type ErrorCode, FourlaneError } from '../model/errors.ts';
import { Connections } from './connections.ts';
import { isLoopback } from './guard.ts';
import type { Door, Routes } from './routes.ts';
import { Turns } from './turns.ts';

const MAX_BODY = 64 * 1024;
/** Above this an idle one is closed for the newest; when none is idle, the newest gets a 503. */
const MAX_CONNECTIONS = 256;
/** Descriptors are for probes: HTTP takes a sixteenth of them, and as many again for connections that are to be refused. */
const SHARE = 16;
const FEWEST = 4;

/** How many connections there may be when the process may have so many descriptors. */
export function connectionsFor(descriptors: number): number {
  return Math.min(MAX_CONNECTIONS, Math.max(FEWEST, Math.floor(descriptors / SHARE)));
}

/** The same for those from one address of another machine. */
const MAX_PER_ADDRESS = 64;
/** Answered whatever the limits: who watches the agent must not take it for dead because others crowd it. */
const HEALTH = '/-/healthy';
/** How long a refused sender may go on sending: closing at once would reset the connection before it has read the refusal. */
const LINGER_MS = 1000;

const COMMON_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** Where they differ from those of docs/http.md. */
export interface ServerLimits {
  readonly maxConnections?: number;
  readonly headersTimeoutMs?: number;
}

export interface ServerOptions extends ServerLimits {
  /** Called with errors that are ours; the client sees only their code. */
  readonly onError?: (error: unknown) => void;
}

/** A server that answers from these routes to who comes in by this door. It does not listen yet. */
export function makeServer(routes: Routes, door: Door, options: ServerOptions = {}): Server {
  const all = options.maxConnections ?? MAX_CONNECTIONS;
  const connections = new Connections({ all, perAddress: Math.min(all, MAX_PER_ADDRESS) }, isLoopback);
  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const over = connections.begin(req.socket);
    res.once('close', over);
    for (const [name, value] of Object.entries(COMMON_HEADERS)) res.setHeader(name, value);
    try {
      const refusal = req.url === HEALTH ? undefined : connections.refusal(req.socket);
      if (refusal !== undefined) throw new FourlaneError('OVERLOADED', refusal);
      await discardBody(req);
      await routes.answer(req, res, door);
    } catch (error) {
      if (!(error instanceof FourlaneError)) options.onError?.(error);
      refuse(req, res, error);
    }
  };
  const turns = new Turns(handle);
  const server = createServer(
    {
      headersTimeout: options.headersTimeoutMs ?? 5000,
      requestTimeout: 2 * (options.headersTimeoutMs ?? 5000),
      connectionsCheckingInterval: Math.min(1000, options.headersTimeoutMs ?? 1000),
      keepAliveTimeout: 75_000, // longer than Prometheus' usual interval: a scrape needs no new connection
      maxHeaderSize: 16 * 1024,
    },
    (req, res) => turns.take(req, res),
  );
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    if (!tooLarge(req)) res.writeContinue();
    turns.take(req, res);
  });
  // What is not idle and above the limit holds a descriptor: there is an end to that too.
  server.maxConnections = 2 * all;
  server.timeout = 80_000;
  server.on('connection', (socket: Socket) => connections.add(socket));
  server.on('clientError', refuseUnparsed);
  return server;
}

/** Stops listening, lets answers finish for at most a second, then cuts what is left. */
export async function shutDown(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), LINGER_MS);
  await closed;
  clearTimeout(cut);
}

function tooLarge(req: IncomingMessage): boolean {
  return Number(req.headers['content-length'] ?? 0) > MAX_BODY;
}

/** No route reads a body: it is thrown away as it comes. Rejects with BODY_TOO_LARGE as soon as it is known to be too long. */
function discardBody(req: IncomingMessage): Promise<void> {
  const refusal = () => new FourlaneError('BODY_TOO_LARGE', `request bodies above ${MAX_BODY} bytes are refused`);
  return new Promise((resolve, reject) => {
    if (tooLarge(req)) reject(refusal());
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY) reject(refusal());
    });
    req.on('end', resolve);
    // An aborted request ends here too; its answer goes nowhere.
    req.on('close', resolve);
    req.on('error', () => undefined);
  });
}

/** Error body as every route gives it. */
function errorBody(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  if (error instanceof FourlaneError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: 'the agent failed to answer; its log says why' };
}

function refuse(req: IncomingMessage, res: ServerResponse, error: unknown): void {
  const body = errorBody(error);
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const text = `${JSON.stringify(body)}\n`;
  if (body.code === 'UNAUTHORIZED') res.setHeader('WWW-Authenticate', 'Basic realm="fourlane", charset="UTF-8"');
  if (body.code === 'OVERLOADED') res.setHeader('Retry-After', '1');
  if (!req.complete || body.code === 'OVERLOADED') {
    res.setHeader('Connection', 'close');
    linger(req.socket);
  }
  res.writeHead(ERRORS[body.code].status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  });
  res.end(text);
}

/**
 * Lets the other side read our last answer: node destroys the connection when that is written, and what still comes would reset
 * it.
 */
function linger(socket: Socket): void {
  socket.destroySoon = () => void socket.end();
  const cut = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(cut));
}

/** Answers what never became a request: broken syntax, headers too large, or too slow. */
function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'headers above 16 KiB are refused']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request did not arrive in time']
        : ['400 Bad Request', 'this is not an HTTP request'];
  const body = `${JSON.stringify({ code: 'BAD_REQUEST', message })}\n`;
  const head =
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ` +
    `${body.length}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroySoon());
}
