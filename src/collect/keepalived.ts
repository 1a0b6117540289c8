/**
 * keepalived: state, transitions and statistics of VRRP instances, sync groups, processes. Two sources: its notify FIFO announces
 * each transition as it happens; its JSON dump, on request, shows all the rest, and what the FIFO missed.
 */
import * as z from 'zod';
import { duration } from '../model/schema.ts';
import { type CollectContext, collector, type Source } from './collector.ts';
import { KEEPALIVED_METRICS } from './keepalived/metrics.ts';
import { type KeepalivedData, publishKeepalived } from './keepalived/publish.ts';
import { KeepalivedSource } from './keepalived/source.ts';

const path = z
  .string()
  .regex(/^\/.*[^/]$/, 'an absolute path of a file is needed')
  .max(4096);

const schema = z.strictObject({
  pidFile: path.default('/run/keepalived.pid').describe('pid file of the parent process: keepalived -p'),
  vrrpPidFile: path.default('/run/vrrp.pid').describe('pid file of the VRRP process: keepalived -r'),
  checkersPidFile: path.default('/run/checkers.pid').describe('pid file of the checker process: keepalived -c'),
  fifo: z
    .union([path, z.literal(false)])
    .default('/run/fourlane/keepalived.fifo')
    .describe('FIFO that keepalived announces transitions in, made when there is none; `false`: none'),
  dump: z.boolean().default(true).describe('ask keepalived for dumps; without them only the FIFO is read'),
  dumpEvery: duration(1000, 3_600_000).prefault('10s').describe('time between two dumps, 1s to 1h'),
  dumpFile: path
    .optional()
    .describe('where keepalived writes its JSON dump, as keepalived sees it; none: `keepalived.json` in its `TMPDIR` or `/tmp`'),
  jsonSignal: z
    .int()
    .min(34)
    .max(64)
    .default(36)
    .describe('number of the signal that asks for JSON: what `keepalived --signum=JSON` prints'),
  details: z.boolean().default(true).describe('ask for the text dump too, which alone has sync groups, faults and track scripts'),
});

function open(settings: z.output<typeof schema>, context: CollectContext): Source<KeepalivedData> {
  const { pidFile, vrrpPidFile, checkersPidFile, fifo, dump, dumpEvery, dumpFile, jsonSignal, details } = settings;
  return new KeepalivedSource(
    {
      pidFiles: { parent: pidFile, vrrp: vrrpPidFile, checker: checkersPidFile },
      fifo: fifo === false ? undefined : fifo,
      dump: dump ? { file: dumpFile, signal: jsonSignal, details, everyMs: dumpEvery } : undefined,
    },
    context,
  );
}

export const keepalived = collector({
  name: 'keepalived',
  summary: 'VRRP instances and sync groups of keepalived: state, every transition, statistics; its processes',
  schema,
  interval: 2000,
  timeout: 4000,
  staleAfter: 30_000,
  metrics: KEEPALIVED_METRICS,
  open,
  publish: publishKeepalived,
});
