/**
 * bgp: sessions of FRR and BIRD, BFD, received and announced prefixes, and whether what is announced is what is planned. Native
 * clients of their control sockets; only questions whose cost does not grow with the routing table.
 */
import * as z from 'zod';
import { duration } from '../model/schema.ts';
import { routingEvidence } from './bgp/evidence.ts';
import { BGP_METRICS, BFD_UP, DAEMON_UP, SESSION_STATE, SESSION_UP } from './bgp/metrics.ts';
import { publishBgp } from './bgp/publish.ts';
import { BgpSource } from './bgp/source.ts';
import { BIRD_SOCKET, FRR_DIRECTORY } from '../routing/places.ts';
import { collector } from './collector.ts';

const path = z
  .string()
  .regex(/^\/.*[^/]$/, 'an absolute path is needed')
  .max(100);

const schema = z.strictObject({
  frr: z
    .union([path, z.literal(false)])
    .default(FRR_DIRECTORY)
    .describe('directory of the vty sockets of FRR: bgpd.vty, bfdd.vty; with `-N NAME`, `/run/frr/NAME`; `false`: none'),
  bird: z
    .union([path, z.literal(false)])
    .default(BIRD_SOCKET)
    .describe('control socket of BIRD: `bird -s`; `false`: none'),
  leakEvery: duration(1000, 3_600_000)
    .prefault('60s')
    .describe('pause between two looks at all that a session announces, 1s to 1h'),
  maxTable: z.int().min(0).max(100_000).default(10_000).describe('routes in its tables up to which a daemon is asked for that'),
});

export const bgp = collector({
  name: 'bgp',
  summary: 'BGP sessions of FRR and BIRD, BFD, prefixes announced and planned',
  schema,
  interval: 5000,
  timeout: 2000,
  staleAfter: 15_000,
  metrics: BGP_METRICS,
  existence: { zero: [DAEMON_UP], gone: [SESSION_UP, SESSION_STATE, BFD_UP] },
  open: (settings, context) => new BgpSource(settings, { context }),
  publish: publishBgp,
  evidence: routingEvidence,
});
