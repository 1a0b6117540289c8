/**
 * The HTTP server on `listen`: limits against slow, huge and too many requests, and errors as JSON. What it answers is in
 * `routes.ts`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ERRORS, type ErrorCode, FourlaneError } from '../model/errors.ts';
import type { AgentLink } from './agent.ts';
import { Routes } from './routes.ts';
import { Turns } from './turns.ts';

const MAX_BODY = 64 * 1024;
/** Connections above this get a 503, above twice this they are dropped unanswered. */
const MAX_CONNECTIONS = 256;
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

export interface Listen {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** Stops listening, lets answers finish for at most a second, then cuts what is left. */
  close(): Promise<void>;
}

/** Starts to listen. Throws FourlaneError LISTEN_FAILED with the remedy when it cannot. */
export async function startServer(agent: AgentLink, { host, port }: Listen, options: ServerOptions = {}): Promise<RunningServer> {
  const limit = options.maxConnections ?? MAX_CONNECTIONS;
  const routes = new Routes(agent);
  const sockets = new Set<Socket>();
  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    for (const [name, value] of Object.entries(COMMON_HEADERS)) res.setHeader(name, value);
    try {
      if (sockets.size > limit) throw new FourlaneError('OVERLOADED', `more than ${limit} connections; try again`);
      await discardBody(req);
      await routes.answer(req, res);
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
  server.maxConnections = 2 * limit;
  server.timeout = 80_000;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('clientError', refuseUnparsed);
  await listen(server, host, port);
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close: () => shutDown(server),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port }, resolve);
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): FourlaneError {
  const remedies: Record<string, string> = {
    EADDRINUSE:
      `another program listens there (see \`ss -ltnp 'sport = :${port}'\`); ` + 'stop it or change listen in the config file',
    EACCES: 'ports below 1024 need root or CAP_NET_BIND_SERVICE; use a higher port in listen',
    EADDRNOTAVAIL: 'this machine does not have that address; change listen in the config file',
    ENOTFOUND: 'the host name is not known; write an address in listen',
  };
  const remedy = remedies[error.code ?? ''] ?? error.message;
  return new FourlaneError('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${remedy}`, { cause: error });
}

async function shutDown(server: Server): Promise<void> {
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
