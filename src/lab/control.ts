/** The lab's processes are steered over JSON on a unix socket: sockets in the file system reach across network namespaces. */
import { createServer, request } from 'node:http';
import { saveCompiled } from '../sys/compiled.mjs';

/** One call: query parameters and the parsed body in, a JSON value out. */
export type Handler = (query: URLSearchParams, body: unknown) => unknown;

/** ms of the machine-wide monotonic clock: the same in every process and namespace. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** A program says that it serves; whoever started it waits for that. It is ended by SIGKILL, so what it compiled is kept now. */
export function tellReady(): void {
  saveCompiled();
  console.log('ready');
}

/** Serves `routes` (by path) on a unix socket path or on a host and port; resolves when listening. */
export function serveControl(
  at: string | { host: string; port: number },
  routes: Readonly<Record<string, Handler>>,
): Promise<void> {
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://lab');
    let text = '';
    req.setEncoding('utf8');
    req.on('data', (chunk: string) => (text += chunk));
    req.on('end', () => {
      const route = routes[url.pathname];
      const answer = route === undefined ? reject404(url.pathname) : run(route, url.searchParams, text);
      void answer.then(([status, value]) =>
        res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value ?? null)),
      );
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(typeof at === 'string' ? { path: at } : at, resolve);
  });
}

function reject404(path: string): Promise<[number, unknown]> {
  return Promise.resolve([404, { error: `no ${path}` }]);
}

async function run(route: Handler, query: URLSearchParams, text: string): Promise<[number, unknown]> {
  try {
    return [200, await route(query, text === '' ? undefined : JSON.parse(text))];
  } catch (error) {
    return [400, { error: String(error) }];
  }
}

/** Calls a path on a unix socket (POST when there is a body). Rejects on any status but 2xx, and after `timeoutMs`. */
export function call<T>(
  socketPath: string,
  path: string,
  options: { body?: unknown; method?: string; timeoutMs?: number } = {},
): Promise<T> {
  const { body, timeoutMs = 5000 } = options;
  return new Promise((resolve, reject) => {
    const req = request(
      { socketPath, path, method: options.method ?? (body === undefined ? 'GET' : 'POST'), timeout: timeoutMs, agent: false },
      (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (text += chunk));
        res.on('end', () => {
          const ok = res.statusCode !== undefined && res.statusCode >= 200 && res.statusCode < 300;
          if (!ok) return reject(new Error(`${path}: ${res.statusCode} ${text.slice(0, 200)}`));
          return resolve((text.startsWith('{') || text.startsWith('[') || text === 'null' ? JSON.parse(text) : text) as T);
        });
      },
    );
    req.on('timeout', () => req.destroy(new Error(`${path}: no answer within ${timeoutMs} ms`)));
    req.on('error', reject);
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
