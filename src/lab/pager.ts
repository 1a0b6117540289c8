/**
 * What Alertmanager's webhooks reach in the lab: keeps everything that was sent, with its time. Started as a program of its own.
 */
import { now, serveControl, tellReady } from './control.ts';
import { pageLines } from './tell.ts';

export interface PagerOptions {
  readonly control: string;
  readonly port: number;
}

/** One alert as Alertmanager sends it. */
export interface SentAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
}

/** One call of a webhook. */
export interface Sent {
  /** ms of the lab's clock. */
  readonly t: number;
  readonly to: 'page' | 'ticket' | 'heartbeat';
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly SentAlert[];
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2]!) as PagerOptions;
  const sent: Sent[] = [];
  const keep = (to: Sent['to']) => (_: URLSearchParams, body: unknown) => {
    const { status, alerts } = body as Pick<Sent, 'status' | 'alerts'>;
    const one: Sent = { t: now(), to, status, alerts };
    sent.push(one);
    for (const line of pageLines([one])) console.log(line);
  };
  await serveControl(options.control, { '/sent': (query) => sent.filter((page) => page.t >= Number(query.get('since') ?? 0)) });
  await serveControl(
    { host: '127.0.0.1', port: options.port },
    { '/page': keep('page'), '/ticket': keep('ticket'), '/heartbeat': keep('heartbeat') },
  );
  tellReady();
}
