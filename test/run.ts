/**
 * Runs one kind of test with node:test: `unit` shares one process (fast) and reports coverage, `system` isolates each file (real
 * processes, namespaces). Files named after the kind run alone.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

const kind = process.argv[2] ?? 'unit';
const only = process.argv.slice(3);
const all = globSync('test/**/*.test.ts').sort();
const files = only.length > 0 ? only : all.filter((f) => f.startsWith('test/system/') === (kind === 'system'));
if (files.length === 0) {
  console.error(`no ${kind} tests found`);
  process.exit(1);
}
mkdirSync('coverage', { recursive: true });
const LCOV = 'coverage/unit.lcov';
const report = (reporter: string, destination: string) => [
  `--test-reporter=${reporter}`,
  `--test-reporter-destination=${destination}`,
];
const coverage = ['--experimental-test-coverage', '--test-coverage-include=src/**/*.ts', ...report('lcov', LCOV)];
const measured = kind === 'unit' && only.length === 0;
const flags = [
  '--test',
  ...report(kind === 'system' ? 'spec' : 'dot', 'stdout'),
  ...report('tap', `coverage/${kind}.tap`),
  ...(measured ? coverage : []),
  ...(kind === 'system' ? ['--test-concurrency=1', '--test-timeout=900000'] : ['--test-isolation=none']),
];
process.env['NODE_NO_WARNINGS'] = '1'; // of node:test's own reporters
const started = performance.now();
// What hangs fails: the whole takes minutes.
const run = spawnSync(process.execPath, [...flags, ...files], { stdio: ['ignore', 'inherit', 'inherit'], timeout: 40 * 60_000 });
const counts = /^# pass (\d+)[\s\S]*?^# fail (\d+)/m.exec(readFileSync(`coverage/${kind}.tap`, 'utf8'));
console.log(`\n${kind}: ${counts?.[1]} passed, ${counts?.[2]} failed in ${((performance.now() - started) / 1000).toFixed(0)} s`);
const covered = !measured || checkCoverage();
process.exit(run.status === 0 && !covered ? 1 : (run.status ?? 1));

/** Prints covered lines by room; false when a floor is missed. Worker threads count, child processes do not. */
function checkCoverage(): boolean {
  const rooms = new Map<string, { found: number; hit: number }>();
  let room = '';
  for (const line of readFileSync(LCOV, 'utf8').split('\n')) {
    const [key, value = ''] = line.split(':');
    if (key === 'SF') room = value.split('/')[1] ?? '';
    if (key !== 'LF' && key !== 'LH') continue;
    for (const name of [room, 'whole']) {
      const sum = rooms.get(name) ?? { found: 0, hit: 0 };
      rooms.set(name, sum);
      if (key === 'LF') sum.found += Number(value);
      else sum.hit += Number(value);
    }
  }
  // Files no unit test loads are missing from the report: their code counts as not covered.
  const loaded = new Set(readFileSync(LCOV, 'utf8').match(/(?<=^SF:).*$/gm));
  for (const file of globSync('src/**/*.ts').filter((f) => !loaded.has(f))) {
    const code = stripTypeScriptTypes(readFileSync(file, 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*$|^import .*$/gm, '');
    const lines = code.split('\n').filter((line) => line.trim() !== '').length;
    for (const name of [file.split('/')[1]!, 'whole']) {
      const sum = rooms.get(name) ?? { found: 0, hit: 0 };
      rooms.set(name, { ...sum, found: sum.found + lines });
    }
  }
  const percent = (name: string) => (100 * rooms.get(name)!.hit) / rooms.get(name)!.found;
  console.log(`lines covered by unit tests: ${[...rooms.keys()].map((r) => `${r} ${percent(r).toFixed(1)} %`).join(', ')}`);
  const missed = Object.entries({ judge: 95, whole: 85 }).filter(([name, floor]) => percent(name) < floor);
  for (const [name, floor] of missed)
    console.error(`coverage of ${name} is ${percent(name).toFixed(1)} %, needed are ${floor} %`);
  return missed.length === 0;
}
