/**
 * dpvs: services, real servers, cores, ports, addresses and port pools of DPVS, asked on its control socket.
 *
 * Only messages that read are ever sent (dpvs/messages.ts). DPVS serves one client at a time and its master core waits for it, so
 * each question is one connection with a deadline (sys/unix-exchange.ts); questions about services interrupt every worker, so
 * they are few, apart from each other, and what is seldom needed is asked for seldom.
 */
import * as z from 'zod';
import { duration } from '../model/schema.ts';
import { collector } from './collector.ts';
import { patterns } from './patterns.ts';
import { EXTRAS } from './dpvs/devices.ts';
import { DPVS_METRICS, EXISTENCE } from './dpvs/metrics.ts';
import { dpvsFindings } from './dpvs/passthrough.ts';
import { evidence, publish } from './dpvs/publish.ts';
import { DpvsSource } from './dpvs/source.ts';

const schema = z.strictObject({
  socket: z.string().min(1).max(107).default('/var/run/dpvs.ipc').describe('control socket of DPVS (`dpvs -x`)'),
  requestTimeout: duration(10, 10_000)
    .prefault('1s')
    .describe('longest time one question may hold the control socket, 10ms to 10s'),
  tableInterval: duration(1000, 3_600_000)
    .prefault('10s')
    .describe(
      'between two readings of services, cores, addresses and port pools, 1s to 1h; ports and links are read at `interval`',
    ),
  pause: duration(0, 1000).prefault('2ms').describe('between two questions that interrupt every worker, 0ms to 1s'),
  servicesPerReading: z
    .int()
    .min(1)
    .max(100_000)
    .default(500)
    .describe('services whose real servers are asked for every `tableInterval`; when there are more, they take turns'),
  detailInterval: duration(1000, 86_400_000)
    .prefault('1m')
    .describe('between two readings of local addresses of services, queues, hardware, `xstats` and `extra`, 1s to 24h'),
  xstats: patterns()
    .default([])
    .describe('statistics of the port drivers that are read, as patterns with `*`, such as `rx_q*_errors`'),
  extra: z
    .array(z.enum(EXTRAS))
    .default([])
    .describe('more to read: `neighbours`, `routes`, `accessLists`, `multicast`, `connections` (the first 1024 at most)'),
  perCore: z
    .enum(['off', 'services', 'realServers'])
    .default('off')
    .describe('services, or also their real servers, by core: one question for each service and worker. Needs DPVS v1.9.4'),
  perCoreInterval: duration(10_000, 86_400_000).prefault('5m').describe('between two rounds of `perCore`, 10s to 24h'),
});

export const dpvs = collector({
  name: 'dpvs',
  summary: 'DPVS: services, real servers, cores, ports, local addresses and their port pools',
  schema,
  interval: 5000,
  timeout: 10_000,
  staleAfter: 60_000,
  metrics: DPVS_METRICS,
  existence: { gone: EXISTENCE },
  open: (settings, context) => new DpvsSource(settings, context),
  publish,
  evidence,
  findings: dpvsFindings,
});
