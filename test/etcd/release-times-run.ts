/**
 * `npm run bench:release`: a change of one service, from the command as it is typed until three real agents have applied it, two
 * hundred times, ring after ring, while clients are served. Exit code 1 when more than one of a hundred takes over two seconds.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { percentile } from '../bench/calibration.ts';
import { isInside } from './inside.ts';
import { RealFleet } from './real-fleet.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const RELEASES = 200;
const MOST_MS = 2000;

const typed = (...argv: readonly string[]) => promisify(execFile)(process.execPath, [PROGRAM, ...argv]);

/** ms that this takes. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

if (isInside()) {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-release-'));
  const fleet = await RealFleet.start(dir);
  const where = ['--cluster', fleet.operator.clusterFile];
  const release = (k: number) =>
    typed('cluster', 'release', fleet.file({ weight: 1 + k }), '--why', `change ${k}`, '--urgent', '--timeout', '60s', ...where);
  const times: number[] = [];
  const alone: number[] = [];
  // The first ones compile what the others use.
  for (let k = 0; k < 5; k++) await release(k + RELEASES);
  for (let k = 0; k < RELEASES; k++) {
    times.push(await timeOf(() => release(k)));
    if (k % 10 === 0) alone.push(await timeOf(() => typed('cluster', 'status', ...where)));
  }
  await fleet.isWell();
  const { sent, failed } = fleet.clients.take();
  const [p50, p90, p99, worst] = [0.5, 0.9, 0.99, 1].map((q) => percentile(times, q));
  const show = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  console.log(`${RELEASES} releases of one changed service, from the command to applied by all of three:`);
  console.log(
    `p50 ${show(p50!)}, p90 ${show(p90!)}, p99 ${show(p99!)}, worst ${show(worst!)}; ` +
      `a command that only looks: ${show(percentile(alone, 0.5))}`,
  );
  console.log(`${sent} requests of clients, ${failed.length} failed`);
  assert.deepEqual(failed, []);
  await fleet.end();
  rmSync(dir, { recursive: true, force: true });
  process.exit(p99! <= MOST_MS ? 0 : 1);
}
