/**
 * Runs jobs side by side and prints what came of them: a line for each, what failed in full at the end, a closing line for each
 * kind.
 */
import { availableParallelism } from 'node:os';
import type { Job, Result } from './jobs.ts';
import { crowding, Pace } from './pace.ts';
import { runPool } from './pool.ts';
import { closing, type Counts } from './report.ts';

/** @returns whether all is well. A job alone shows itself as it goes. */
export async function sideBySide(jobs: readonly Job[]): Promise<boolean> {
  const started = performance.now();
  const show = jobs.length === 1;
  const failures: string[] = [];
  const remarks: string[] = [];
  const pace = new Pace(jobs.length === 1 ? 1 : await crowding());
  const sums = new Map<string, Counts & { readonly at: number }>();
  const run = async (job: Job) => {
    const began = performance.now();
    const result = await job.run({ show, patience: pace.patience });
    const seconds = (performance.now() - began) / 1000;
    pace.ended(job, { seconds, cpuSeconds: result.cpuSeconds });
    const { passed, failed } = sums.get(job.kind) ?? { passed: 0, failed: 0 };
    sums.set(job.kind, { passed: passed + result.counts.passed, failed: failed + result.counts.failed, at: performance.now() });
    if (!show) console.log(line(job, result, seconds));
    if (result.remark !== undefined) remarks.push(result.remark);
    if (!result.well && !show) for (const name of failuresIn(result.output)) console.log(`       ${name}`);
    if (!result.well) failures.push(show ? '' : `\n── ${job.name}\n${result.output.trimEnd()}`);
    // With a slip in the code nothing else is worth its time: what runs ends with us.
    if (job.kind === 'check' && !result.well) throw new Error('the code does not pass its checks');
  };
  const all = async () => {
    const cpus = availableParallelism();
    const pool = (which: Job['quiet']) => {
      const machine = {
        cpus: which === 'alone' ? 0 : cpus,
        get slowness() {
          return pace.slowness;
        },
      };
      return runPool(
        jobs.filter(({ quiet }) => quiet === which),
        machine,
        run,
      );
    };
    await pool(undefined);
    await pool(true);
    await pool('alone');
  };
  await all().catch((error: unknown) => failures.push(`\n${(error as Error).message}`));
  for (const text of [...failures, ...remarks]) console.log(text);
  if (!show) console.log(`CPU time was ${pace.ratio.toFixed(2)} × what is expected of these jobs (test/run/costs.ts)`);
  for (const [kind, sum] of sums) if (kind !== 'check') console.log(`\n${closing(kind, sum, (sum.at - started) / 1000)}`);
  return failures.length === 0;
}

/** `ok     12.3 s   8.1 CPU s    5 passed  test/system/doctor.test.ts` */
function line(job: Job, { well, counts, cpuSeconds }: Result, seconds: number): string {
  const count = job.kind === 'check' ? '' : `${counts.passed} passed`;
  const cpu = (cpuSeconds === undefined ? '' : `${cpuSeconds.toFixed(1)} CPU s`).padStart(12);
  return `${well ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(6)} s ${cpu} ${count.padStart(12)}  ${job.name}`;
}

/** Lines of the reporter that name failed tests, each once. A run that is given up tells at least these. */
function failuresIn(output: string): readonly string[] {
  return [
    ...new Set(
      output
        .split('\n')
        .filter((text) => /^\s*✖ (?!failing tests)/.test(text))
        .map((text) => text.trim()),
    ),
  ].slice(0, 10);
}
