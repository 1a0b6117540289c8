/** Plays a scenario in the lab of a cluster: step after step, judge, heal, wait until all is well. */
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../control.ts';
import { until } from '../until.ts';
import type { ClusterLab } from './cluster-lab.ts';
import { type ClusterRow, type ClusterScenario, evaluateCluster, type Step, type Taken } from './scenario.ts';

/** A client gives up after 1 s: requests younger than that may still be pending. */
const PENDING_MS = 1100;
/** How long it is watched whether anything else happens. */
const WATCH_MS = 1500;
const RECOVERY_LIMIT_MS = 60_000;
const STEP_LIMIT_MS = 10_000;
/** Each asking takes an agent a page of metrics: times of steps are as exact as this. */
const EVERY_MS = 250;

/** Plays it on a lab in which all is well; the lab is healed afterwards. `tell` hears of each step as it is taken. */
export async function playCluster(
  lab: ClusterLab,
  scenario: ClusterScenario,
  tell: (taken: Taken) => void = () => undefined,
): Promise<ClusterRow> {
  const t0 = now();
  const taken: Taken[] = [];
  try {
    for (const step of scenario.steps()) {
      const one = await take(lab, step, t0);
      taken.push(one);
      tell(one);
      if (one.ms === undefined) break;
    }
    const acted = now();
    await sleep(WATCH_MS);
    const end = now();
    // Requests begun at the very end still need their second.
    await sleep(PENDING_MS);
    const said = await Promise.all(
      lab.servers.map(async (server) => {
        const transitions = await server.transitions(t0);
        return [server.name, transitions.filter(({ t }) => t < end)] as const;
      }),
    );
    const [requests, afterwards] = [await lab.tally(t0, end, 'underWay'), await lab.tally(acted + 20, end)];
    const row = evaluateCluster(scenario, { taken, transitions: new Map(said), requests, afterwards });
    return await recovered(lab, row);
  } finally {
    await lab.heal();
  }
}

async function take(lab: ClusterLab, { what, make, until: wanted, withinMs = STEP_LIMIT_MS }: Step, t0: number): Promise<Taken> {
  let note: string | true = true;
  try {
    await make?.(lab);
    if (wanted !== undefined) note = await until(what, withinMs, () => wanted(lab), EVERY_MS, lab.closing);
  } catch (error) {
    return { what, ms: undefined, withinMs, why: (error as Error).message.split('\n')[0]!.slice(0, 300) };
  }
  const more = { ...(wanted === undefined ? {} : { withinMs }), ...(note === true ? {} : { note }) };
  return { what, ms: Math.round(now() - t0), ...more };
}

async function recovered(lab: ClusterLab, row: ClusterRow): Promise<ClusterRow> {
  const healed = now();
  await lab.heal();
  try {
    await lab.well(RECOVERY_LIMIT_MS);
    return { ...row, recoveryMs: Math.round(now() - healed) };
  } catch (error) {
    return { ...row, problems: [...row.problems, `no recovery: ${(error as Error).message}`] };
  }
}
