/** The one door to every test: see HELP. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runChild } from './run/child.ts';
import { allFiles, type Files, KINDS, select } from './run/files.ts';
import { check, type Job, jobsFor } from './run/jobs.ts';
import { sideBySide } from './run/side-by-side.ts';

const HELP = `Usage: npm test                       everything: checks of the code, unit tests with coverage, system tests
       npm test -- NAME …             the test files whose path contains a NAME, unit and system alike
       npm run test:unit [-- NAME …]  unit tests only; test:system likewise

System tests run side by side, each on a network, process ids and /run of its own, and need root; what they need of Debian is
installed first. A single file shows its progress.

Example:
  npm test -- judge/governor doctor
`;

/** Packages that system tests need, and the program that they start as it is built of these sources. */
const NEEDED = ['run/packages.ts', '../src/build/build.mjs'];

/** Resolves when it is all there; rejects with the reason when it can't be. */
async function prepare(): Promise<void> {
  const programs = NEEDED.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const all = programs.map((program) => runChild([process.execPath, program], { limitMs: 10 * 60_000 }));
  for (const { status, output } of await Promise.all(all)) if (status !== 0) throw new Error(output.trim());
}

/** `whole`: no names were given, so the coverage of unit tests says something. */
function run(files: Files, whole: boolean, before: readonly Job[] = []): Promise<boolean> {
  const ready = files.system.length > 0 ? prepare() : Promise.resolve();
  ready.catch(() => undefined); // reported by each system test that waits for it
  return sideBySide([...before, ...jobsFor(files, whole, ready)]);
}

/** @returns the exit code: 0 all well, 1 not, 2 wrong usage */
async function main(): Promise<number> {
  const options = { help: { type: 'boolean', short: 'h' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const [first, ...rest] = positionals;
  const one = KINDS.find((kind) => kind === first);
  const names = one === undefined ? positionals : rest;
  const files = select(allFiles(), one === undefined ? KINDS : [one], names);
  return (await run(files, names.length === 0, first === undefined ? [check] : [])) ? 0 : 1;
}

process.exit(
  await main().catch((error: unknown) => {
    console.error((error as Error).message);
    return 2;
  }),
);
