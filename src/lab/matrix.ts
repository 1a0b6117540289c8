/**
 * `npm run lab:matrix [-- --only NAME[,NAME]] [--json FILE] [--list]`: plays every fault against a fresh agent and prints what it
 * said and did. Exit code 1 when a row fails, 2 for wrong usage.
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
const USAGE = 'npm run lab:matrix [-- --only NAME[,NAME]] [--json FILE] [--list]';
const options = { only: { type: 'string' }, json: { type: 'string' }, list: { type: 'boolean' } } as const;

/** Plays one fault with its own agent; what breaks on the way becomes a failed row. */
async function row(lab: Lab, fault: Fault): Promise<Row> {
  let agent: Agent | undefined;
  try {
    await lab.resetDataplane();
    agent = await Agent.start(lab, { rules: QUICK_RECOVERY });
    return await play(lab, agent, fault);
  } catch (error) {
    const none = { verdicts: [], causes: [], actions: [], wrongActions: [], othersFailed: 0, touchedFailed: 0 };
    return {
      fault: fault.name,
      title: fault.title,
      ...none,
      verdictMs: undefined,
      actionMs: undefined,
      problems: [(error as Error).message],
    };
  } finally {
    await agent?.stop();
  }
}

function print(result: Row): void {
  const ms = (ms: number | undefined) => (ms === undefined ? '–' : `${ms} ms`);
  console.log(`${result.problems.length === 0 ? 'PASS' : 'FAIL'}  ${result.title}`);
  console.log(
    `      verdict ${result.verdicts.join(', ') || 'none'} · cause ${result.causes.join(', ') || '–'} · after ` +
      `${ms(result.verdictMs)}`,
  );
  console.log(
    `      actions ${result.actions.join(', ') || 'none'} · after ${ms(result.actionMs)} · wrong ${result.wrongActions.length}`,
  );
  console.log(
    `      other slices' failed requests ${result.othersFailed} · touched services' ${result.touchedFailed} · recovery ` +
      `${ms(result.recoveryMs)}`,
  );
  for (const problem of result.problems) console.log(`      ! ${problem}`);
}

/** `PATH ×4 NIC_PARTIAL` */
function tallied(words: readonly string[]): string {
  return [...new Set(words)]
    .map((word) => [word, words.filter((each) => each === word).length] as const)
    .map(([word, times]) => (times > 1 ? `${word} ×${times}` : word))
    .join(' ');
}

function table(rows: readonly Row[]): void {
  console.table(
    rows.map((result) => ({
      fault: result.title,
      verdict: tallied(result.verdicts.map((verdict) => verdict.replace(/\(.*/, ''))),
      cause: result.causes.filter((cause) => cause !== 'none').join(' '),
      'verdict ms': result.verdictMs ?? '',
      'action ms': result.actionMs ?? '',
      actions: result.actions.length,
      'others failed': result.othersFailed,
      'wrong actions': result.wrongActions.length,
      'recovery ms': result.recoveryMs ?? '',
      result: result.problems.length === 0 ? 'PASS' : 'FAIL',
    })),
  );
}

function asked() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return undefined;
  }
}

async function main(): Promise<number> {
  const values = asked();
  if (values === undefined) return 2;
  if (values.list) {
    for (const fault of faults) console.log(`${fault.name.padEnd(16)} ${fault.title}`);
    return 0;
  }
  const only = values.only?.split(',');
  const unknown = only?.filter((name) => !faults.some((fault) => fault.name === name)) ?? [];
  if (unknown.length > 0) {
    console.error(`no fault named ${unknown.join(', ')}; there are: ${faults.map((fault) => fault.name).join(' ')}`);
    return 2;
  }
  const lab = await Lab.start();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const rows: Row[] = [];
  try {
    for (const fault of faults.filter((fault) => only?.includes(fault.name) ?? true)) {
      const result = await row(lab, fault);
      rows.push(result);
      print(result);
    }
  } finally {
    lab.close();
  }
  table(rows);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  const failed = rows.filter((result) => result.problems.length > 0).length;
  console.log(failed === 0 ? `all ${rows.length} faults PASS` : `${failed} of ${rows.length} faults FAIL`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
