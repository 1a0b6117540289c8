/** Runs one kind of test with node:test: `unit` shares one process (fast), `system` isolates each file (real processes, namespaces). */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';

const kind = process.argv[2] ?? 'unit';
const only = process.argv.slice(3);
const all = globSync('test/**/*.test.ts').sort();
const isSystem = (f: string) => f.startsWith('test/system/') || f.startsWith('test/lab/');
const files = only.length > 0 ? only : all.filter((f) => isSystem(f) === (kind === 'system'));
if (files.length === 0) {
  console.error(`no ${kind} tests found`);
  process.exit(1);
}
mkdirSync('coverage', { recursive: true });
const flags = [
  '--test',
  '--test-reporter=dot',
  '--test-reporter-destination=stdout',
  '--test-reporter=tap',
  `--test-reporter-destination=coverage/${kind}.tap`,
  ...(kind === 'system' ? ['--test-concurrency=1', '--test-timeout=300000'] : ['--test-isolation=none']),
];
const run = spawnSync(process.execPath, [...flags, ...files], { stdio: ['ignore', 'inherit', 'inherit'], env: process.env });
process.exit(run.status ?? 1);
