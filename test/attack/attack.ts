/**
 * `npm run attack`: attacks on a running agent, each beside a control in the same run. `--only=regex,tls` takes families, or
 * scenarios whose name begins so; `--short` the short form; `--write` renews the rows of what was run in docs/attack.md. Needs
 * root: everything happens on a network of its own.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork } from '../system/harness.ts';
import { HEAD, rowOf, titleOf, type Verdict } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { renew } from './table.ts';

const only = process.argv
  .find((a) => a.startsWith('--only='))
  ?.slice(7)
  .split(',');
const short = process.argv.includes('--short');
const due = scenarios.filter(
  ({ family, name, ...rest }) =>
    (!short || rest.short) && (!only || only.some((word) => word === family || `${family}: ${name}`.startsWith(word))),
);
if (due.length === 0)
  throw new Error(`nothing to do; families: ${[...new Set(scenarios.map(({ family }) => family))].join(', ')}`);

// Each agent is ended with this process, whatever happens.
process.setMaxListeners(0);
ensure(['iproute2', 'openssl']);
enterOwnNetwork();
const day = new Date().toISOString().slice(0, 10);
const head = [
  `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.version}, ${day}\n`,
  HEAD,
];
console.log(head.join('\n'));
const rows: string[] = [];
let missed = 0;
for (const scenario of due) {
  const verdict = await scenario
    .run(short)
    .catch((error: Error): Verdict => ({ control: '', now: '', misses: [`void: ${error.message}`] }));
  if (verdict.misses.length > 0) missed++;
  const row = rowOf(scenario, verdict);
  rows.push(row);
  console.log(row);
}
console.log(`\n${due.length - missed} of ${due.length} as they must be`);
if (process.argv.includes('--write')) {
  const file = 'docs/attack.md';
  writeFileSync(file, renew(readFileSync(file, 'utf8'), head, rows, scenarios.map(titleOf)));
}
process.exit(missed > 0 ? 1 : 0);
