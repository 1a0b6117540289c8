/** Plays one fault: apply, watch until everything wanted has come (or is overdue), judge, heal, wait for recovery. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent } from './agent.ts';
import { now } from './control.ts';
import { evaluate, type Row } from './evaluate.ts';
import type { Fault } from './faults.ts';
import type { World } from './world.ts';

/** The way back shortened so that the matrix takes minutes; everything that detects stays at its default. */
export const QUICK_RECOVERY: Readonly<Record<string, number>> = {
  nic_recover_ms: 1500,
  nic_hold_down_ms: 1000,
  rs_hold_down_ms: 1000,
  slow_start_ms: 1000,
  flap_window_ms: 8000,
};

/** A client gives up after 1 s: requests younger than that may still be pending. */
const PENDING_MS = 1100;
const RECOVERY_LIMIT_MS = 40_000;

/**
 * Plays a fault on a settled lab and agent. The lab is healed afterwards, also when the agent did wrong. `tell` hears of each
 * step.
 */
export async function play(
  world: World,
  agent: Agent,
  fault: Fault,
  tell: (step: string) => void = () => undefined,
): Promise<Row> {
  const t0 = now();
  try {
    await fault.apply(world, agent);
    const applyMs = now() - t0;
    await awaitWanted(world, agent, fault, t0, applyMs);
    tell('Watching whether anything else happens …');
    await sleep(fault.watchMs ?? 1500);
    const end = now();
    // Requests begun at the very end still need their second.
    await sleep(PENDING_MS);
    const changes = (await world.changes(t0)).filter((change) => change.t < end);
    const lastAction = Math.max(t0, ...changes.map((change) => change.t));
    const observation = {
      t0,
      applyMs,
      changes,
      transitions: (await agent.transitions(t0)).filter((t) => t.t < end),
      failures: (await world.failures(t0)).filter((failure) => failure.t < end),
      requests: await world.tally(t0, end, 'underWay'),
      afterActions: (await world.tally(lastAction + 20, end))['all']!,
    };
    const row = evaluate(fault, observation);
    const wrong = await fault.check?.(agent);
    const problems = wrong === undefined ? row.problems : [...row.problems, wrong];
    tell('Repairing it, and waiting until the agent trusts it again …');
    return await recovered(world, agent, { ...row, problems }, t0);
  } finally {
    agent.signal('SIGCONT');
    await world.heal();
  }
}

async function awaitWanted(world: World, agent: Agent, fault: Fault, t0: number, applyMs: number): Promise<void> {
  const limit = Math.max(0, fault.actionsWithinMs, ...fault.verdicts.map((verdict) => verdict.withinMs)) + 2000;
  const wanted = fault.verdicts.length + fault.actions.length;
  while (now() - t0 < limit && wanted > 0) {
    const [transitions, changes] = await Promise.all([agent.transitions(t0), world.changes(t0)]);
    const { problems } = evaluate(fault, { t0, applyMs, transitions, changes, failures: [], requests: {} });
    if (!problems.some((problem) => problem.startsWith('no ') || problem.startsWith('not done'))) return;
    await sleep(100);
  }
}

async function recovered(world: World, agent: Agent, row: Row, t0: number): Promise<Row> {
  await world.heal();
  const healedAt = now();
  try {
    const recoveryMs = Math.round(await agent.settled(RECOVERY_LIMIT_MS));
    return { ...row, recoveryMs, routes: world.routesSince(t0, healedAt) };
  } catch (error) {
    return { ...row, problems: [...row.problems, `no recovery: ${(error as Error).message}`] };
  }
}
