/**
 * Clients of the lab: a steady stream of requests to every VIP, each on a fresh connection, at most `rate` per second and service
 * whatever the answers (open loop), each given up after one second. Argument: JSON of `ClientOptions`.
 */
import { request } from 'node:http';
import { now, serveControl, tellReady } from './control.ts';
import { watchPauses } from './pauses.ts';
import { type Counted, type Sent, tally } from './tally.ts';

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

const KEEP_MS = 300_000;
const options = JSON.parse(process.argv[2]!) as ClientOptions;
let log: Sent[] = [];

function send(service: Stream): void {
  const entry: Sent = { service: service.name, began: now() };
  log.push(entry);
  const end = (error: string) => (entry.outcome ??= { at: now(), error });
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
  log = log.filter(({ began }) => began >= oldest);
}, 10_000);

const names = options.services.map(({ name }) => name);
await serveControl(options.control, {
  '/pauses': watchPauses(),
  '/tally': (query) => {
    const at = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);
    const counted = (query.get('counted') ?? 'begun') as Counted;
    return tally(log, names, at('since', 0), at('until', Number.POSITIVE_INFINITY), counted);
  },
});
tellReady();
