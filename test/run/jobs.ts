/**
 * What can be run side by side: the checks of the code, unit tests in one process, and each system test on a machine of its own.
 */
import { type Ended, runChild } from './child.ts';
import { type Cost, costOf, runsAlone } from './costs.ts';
import { coverage } from './coverage.ts';
import type { Files, Kind } from './files.ts';
import { isolated } from './isolation.ts';
import { COMPILED, type Counts, countsOf, LCOV, reporter, tapOf } from './report.ts';

export interface Result {
  readonly well: boolean;
  readonly counts: Counts;
  /** What it printed. */
  readonly output: string;
  /** Time on CPUs, s, where that can be told. */
  readonly cpuSeconds?: number | undefined;
  /** To be shown also when all is well. */
  readonly remark?: string;
}

export interface Job extends Cost {
  readonly kind: Kind | 'check';
  readonly name: string;
  /** Runs it to its end. Never rejects. */
  run(how: How): Promise<Result>;
}

export interface How {
  /** Its output goes where ours goes. */
  readonly show: boolean;
  /** Times as long as usual that its tests wait for what is to come. */
  readonly patience: number;
}

const limitMs = 15 * 60_000;
const TEST = process.execPath;
/** Much garbage that dies young: collected less often, and without threads beside, it costs a seventh less. */
const COMPUTING = ['--single-threaded-gc', '--max-semi-space-size=64'];

/** Types, lint, format, unused exports. First of all: with a slip in the code nothing else is worth its time. */
export const check: Job = {
  kind: 'check',
  name: 'types, lint, format, unused exports',
  seconds: Number.POSITIVE_INFINITY,
  cpus: 1,
  cpuSeconds: 27,
  run: async ({ show }) => {
    const { status, output, cpuSeconds } = await runChild(['npm', 'run', '-s', 'check'], { limitMs, show });
    return { well: status === 0, counts: { passed: 0, failed: 0 }, output, cpuSeconds };
  },
};

/** Jobs for these files. `whole`: they are all there are, so coverage is measured. `ready`: what system tests wait for. */
export function jobsFor(files: Files, whole: boolean, ready: Promise<void>): Job[] {
  const shared = files.unit.filter((file) => !runsAlone(file));
  const own = files.unit.filter(runsAlone);
  return [
    ...(shared.length > 0 ? [unit(shared, whole)] : []),
    ...own.map(
      (file): Job => ({ ...costOf(file), kind: 'unit', name: file, run: (how) => runFile([TEST, ...COMPUTING], file, how) }),
    ),
    ...files.system.map((file) => system(file, ready)),
  ];
}

/** All these files in one process, which is fast. */
function unit(files: readonly string[], measured: boolean): Job {
  const tap = tapOf('unit');
  const covered = ['--experimental-test-coverage', '--test-coverage-include=src/**/*.ts', ...reporter('lcov', LCOV)];
  const reports = [...reporter('dot', 'stdout'), ...reporter('tap', tap), ...(measured ? covered : [])];
  return {
    kind: 'unit',
    name: files.length === 1 ? files[0]! : `unit tests, ${files.length} files`,
    seconds: 10 + 0.8 * files.length,
    // Much of it waits: for time limits, for child processes.
    cpus: 0.5,
    run: async ({ show }) => {
      const argv = [TEST, '--test', '--test-isolation=none', ...reports, ...files];
      const result = resultOf(await runChild(argv, { limitMs, show }), tap);
      if (!measured || !result.well) return result;
      const { missed, text } = coverage(LCOV);
      return missed === '' ? { ...result, remark: text } : { ...result, well: false, output: `${text}\n${missed}` };
    },
  };
}

function system(file: string, ready: Promise<void>): Job {
  return {
    ...costOf(file),
    kind: 'system',
    name: file,
    run: async (how) => {
      try {
        await ready;
      } catch (error) {
        return { well: false, counts: { passed: 0, failed: 1 }, output: (error as Error).message };
      }
      return await runFile(isolated([TEST]), file, how);
    },
  };
}

async function runFile(command: readonly string[], file: string, { show, patience }: How): Promise<Result> {
  const tap = tapOf(file);
  const argv = [...command, ...reporter('spec', 'stdout'), ...reporter('tap', tap), file];
  // Agents are started some hundred times: a quarter of what a start costs is compiling.
  const env = { NODE_COMPILE_CACHE: COMPILED, FOURLANE_TEST_PATIENCE: patience.toFixed(2) };
  return resultOf(await runChild(argv, { limitMs, show, env }), tap);
}

/** A process that fails without a failed test, in a hook for instance, is a failure too; so is one that counted nothing. */
function resultOf({ status, output, cpuSeconds }: Ended, tap: string): Result {
  const counts = countsOf(tap) ?? { passed: 0, failed: 1 };
  const failed = status === 0 ? counts.failed : Math.max(1, counts.failed);
  return { well: failed === 0, counts: { passed: counts.passed, failed }, output, cpuSeconds };
}
