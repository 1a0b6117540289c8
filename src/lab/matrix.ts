/**
 * `npm run lab:matrix [-- --only NAME[,NAME]] [--json FILE] [--list]`: plays every fault against a fresh agent and prints what it said and did.
 * Exit code 1 when a row fails, 2 for wrong usage.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Agent } from './agent.ts';
import type { Row } from './evaluate.ts';
import { type Fault, faultsOf } from './faults.ts';
import { Lab } from './lab.ts';
import { play, QUICK_RECOVERY } from './play.ts';
import { labLayout } from './topology.ts';

const faults = faultsOf(labLayout);
const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' }, list: { type: 'boolean' } } });

/** Plays one fault with its own agent; what breaks on the way becomes a failed row. */
async function row(lab: Lab, fault: Fault): Promise<Row> {
  let agent: Agent | undefined;
  try {
    await lab.resetDataplane();
    agent = await Agent.start(lab, { rules: QUICK_RECOVERY });
    return await play(lab, agent, fault);
  } catch (e) {
    const none = { verdicts: [], causes: [], actions: [], wrongActions: [], othersFailed: 0, touchedFailed: 0 };
    return {
      fault: fault.name,
      title: fault.title,
      ...none,
      verdictMs: undefined,
      actionMs: undefined,
      problems: [(e as Error).message],
    };
  } finally {
    await agent?.stop();
  }
}

function print(r: Row): void {
  const ms = (n: number | undefined) => (n === undefined ? '–' : `${n} ms`);
  console.log(`${r.problems.length === 0 ? 'PASS' : 'FAIL'}  ${r.title}`);
  console.log(
    `      verdict ${r.verdicts.join(', ') || 'none'} · cause ${r.causes.join(', ') || '–'} · after ${ms(r.verdictMs)}`,
  );
  console.log(`      actions ${r.actions.join(', ') || 'none'} · after ${ms(r.actionMs)} · wrong ${r.wrongActions.length}`);
  console.log(
    `      other slices' failed requests ${r.othersFailed} · touched services' ${r.touchedFailed} · recovery ${ms(r.recoveryMs)}`,
  );
  for (const p of r.problems) console.log(`      ! ${p}`);
}

/** `PATH ×4 NIC_PARTIAL` */
function tallied(words: readonly string[]): string {
  return [...new Set(words)]
    .map((w) => [w, words.filter((o) => o === w).length] as const)
    .map(([w, n]) => (n > 1 ? `${w} ×${n}` : w))
    .join(' ');
}

function table(rows: readonly Row[]): void {
  console.table(
    rows.map((r) => ({
      fault: r.title,
      verdict: tallied(r.verdicts.map((v) => v.replace(/\(.*/, ''))),
      cause: r.causes.filter((c) => c !== 'none').join(' '),
      'verdict ms': r.verdictMs ?? '',
      'action ms': r.actionMs ?? '',
      actions: r.actions.length,
      'others failed': r.othersFailed,
      'wrong actions': r.wrongActions.length,
      'recovery ms': r.recoveryMs ?? '',
      result: r.problems.length === 0 ? 'PASS' : 'FAIL',
    })),
  );
}

async function main(): Promise<number> {
  if (values.list) {
    for (const f of faults) console.log(`${f.name.padEnd(16)} ${f.title}`);
    return 0;
  }
  const only = values.only?.split(',');
  const unknown = only?.filter((n) => !faults.some((f) => f.name === n)) ?? [];
  if (unknown.length > 0) {
    console.error(`no fault named ${unknown.join(', ')}; there are: ${faults.map((f) => f.name).join(' ')}`);
    return 2;
  }
  const lab = await Lab.start();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const rows: Row[] = [];
  try {
    for (const fault of faults.filter((f) => only?.includes(f.name) ?? true)) {
      const r = await row(lab, fault);
      rows.push(r);
      print(r);
    }
  } finally {
    lab.close();
  }
  table(rows);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  const failed = rows.filter((r) => r.problems.length > 0).length;
  console.log(failed === 0 ? `all ${rows.length} faults PASS` : `${failed} of ${rows.length} faults FAIL`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
