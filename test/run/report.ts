/** Reporters of node:test, and what they counted. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where the report on coverage is kept; not committed. */
export const LCOV = 'coverage/unit.lcov';

/** Reports of this run only: another one may go on beside it. */
const dir = mkdtempSync(join(tmpdir(), 'fourlane-tests-'));
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));

/** Where Node keeps what it has compiled, for the processes of this run. */
export const COMPILED = join(dir, 'compiled');

/** Where the report in TAP of a job goes. */
export function tapOf(name: string): string {
  return join(dir, `${name.replaceAll('/', '-')}.tap`);
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Flags for a reporter that writes to a file, or to `stdout`. */
export function reporter(name: 'spec' | 'dot' | 'tap' | 'lcov', destination: string): string[] {
  if (destination !== 'stdout') mkdirSync(dirname(destination), { recursive: true });
  return [`--test-reporter=${name}`, `--test-reporter-destination=${destination}`];
}

/** What a report in TAP counts; undefined when the run did not come to its end. What was cancelled has failed. */
export function countsOf(file: string): Counts | undefined {
  try {
    const [, passed, failed, cancelled] =
      /^# pass (\d+)\n# fail (\d+)\n# cancelled (\d+)/m.exec(readFileSync(file, 'utf8')) ?? [];
    return passed === undefined ? undefined : { passed: Number(passed), failed: Number(failed) + Number(cancelled) };
  } catch {
    return undefined;
  }
}

/** `unit: 12 passed, 0 failed in 3 s`; CI reads this line. */
export function closing(kind: string, { passed, failed }: Counts, seconds: number): string {
  return `${kind}: ${passed} passed, ${failed} failed in ${seconds.toFixed(0)} s`;
}
