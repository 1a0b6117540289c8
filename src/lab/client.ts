/**
 * Clients of the lab: a steady stream of requests to every VIP, each on a fresh connection, at most `rate` per second and service
 * whatever the answers (open loop), each given up after one second. Argument: JSON of `ClientOptions`.
 */
import { request } from 'node:http';
import { now, serveControl, tellReady } from './control.ts';

export interface ClientOptions {
  readonly control: string;
  readonly rate: number;
  readonly timeoutMs: number;
  readonly services: readonly Stream[];
}

/** Requests of one kind. */
export interface Stream {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Source address, where the network sends clients elsewhere by it. */
  readonly from?: string;
}

/** Requests that began in a span of time, per service. `pending` are not answered yet. */
export interface Tally {
  sent: number;
  ok: number;
  failed: number;
  pending: number;
  errors: Record<string, number>;
}

const KEEP_MS = 300_000;
const options = JSON.parse(process.argv[2]!) as ClientOptions;
interface Sent {
  readonly t: number;
  readonly service: string;
  /** undefined while under way, '' when answered, else the error. */
  result: string | undefined;
}
let log: Sent[] = [];

function send(service: Stream): void {
  const entry: Sent = { t: now(), service: service.name, result: undefined };
  log.push(entry);
  const end = (result: string) => (entry.result ??= result);
  const { host, port, from } = service;
  const req = request({ host, port, path: '/', agent: false, ...(from === undefined ? {} : { localAddress: from }) }, (res) => {
    res.resume();
    res.on('end', () => end(res.statusCode === 200 ? '' : `status ${res.statusCode}`));
    res.on('error', (error) => end(error.message));
  });
  const timer = setTimeout(() => {
    end('timeout');
    req.destroy();
  }, options.timeoutMs);
  req.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  req.on('close', () => {
    clearTimeout(timer);
    end('closed');
  });
  req.end();
}

const period = 1000 / options.rate;
options.services.forEach((service, k) => {
  // Services are interleaved, so that their requests do not come in bursts.
  let next = now() + (period * k) / options.services.length;
  setInterval(
    () => {
      // After a stall the missed requests are not made up for: a burst would be another load than the stated one.
      if (now() - next > 1000) next = now();
      for (; next <= now(); next += period) send(service);
    },
    Math.min(10, period),
  );
});
setInterval(() => {
  const oldest = now() - KEEP_MS;
  log = log.filter((result) => result.t >= oldest);
}, 10_000);

function tally(from: number, until: number): Record<string, Tally> {
  const out: Record<string, Tally> = {};
  for (const service of options.services) out[service.name] = { sent: 0, ok: 0, failed: 0, pending: 0, errors: {} };
  for (const result of log) {
    if (result.t < from || result.t >= until) continue;
    const t = out[result.service]!;
    t.sent++;
    if (result.result === undefined) t.pending++;
    else if (result.result === '') t.ok++;
    else {
      t.failed++;
      t.errors[result.result] = (t.errors[result.result] ?? 0) + 1;
    }
  }
  return out;
}

await serveControl(options.control, {
  '/tally': (query) => tally(Number(query.get('since') ?? 0), Number(query.get('until') ?? Number.POSITIVE_INFINITY)),
});
tellReady();
