/** R0 blindness, R9 global guard, R14 the ill one, R10 storm hold: when the agent must rather doubt itself, or wait. */
import type { AgentVerdict } from '../model/verdict.ts';
import { illForms, isIll } from './fleet.ts';
import { isBlind } from './scan.ts';
import { isOut, roundTrip, type State } from './memory.ts';

const sum = (counts: Int32Array) => counts.reduce((total, count) => total + count, 0);

/** The verdict on the agent itself in this pass; '' = none. */
export function agentVerdict(state: State, now: number): '' | AgentVerdict {
  if (isBlind(state, now)) return 'AGENT_STALLED';
  const ill = isIll(state, now);
  const found = guarded(state);
  if (found === 'AGENT_ISOLATED') return found;
  if (ill) return 'AGENT_ILL';
  // Whose fault it is will be known in a moment, and until then nothing changes either: one verdict, one page.
  return found === 'ALL_RS_DOWN' && illForms(state) ? '' : found;
}

/** R9. */
function guarded(state: State): '' | AgentVerdict {
  const { scan } = state;
  const fresh = scan.eligible - scan.blind;
  const linksDead = fresh > 0 && sum(scan.rowBad) === fresh;
  const service = sum(scan.rowService);
  if (!linksDead && !(service > 0 && sum(scan.rowServiceBad) === service)) return '';
  return steady(state, linksDead && !scan.anchorsGood.some((good) => good > 0) ? 'AGENT_ISOLATED' : 'ALL_RS_DOWN');
}

const isGuard = (verdict: AgentVerdict) => verdict !== 'AGENT_STALLED';

/** One lost answer of an anchor does not rename a freeze. */
function steady(state: State, kind: AgentVerdict): AgentVerdict {
  const { agent, clock } = state;
  const before = agent.verdict;
  if (before === '' || before === kind || !isGuard(before)) {
    agent.kindSince = 0;
    return kind;
  }
  if (agent.kindSince === 0) agent.kindSince = clock.hold;
  return clock.hold - agent.kindSince >= state.rules.nic_hold_rounds * state.topology.intervalMs ? kind : before;
}

/**
 * Whether new verdicts on real servers and paths must wait because so much turned bad at once that the rules for NICs, racks and
 * the whole agent have to speak first. Call once per pass.
 */
export function stormHolds(state: State, now: number): boolean {
  const { agent, rules, scan, topology } = state;
  let total = 0;
  let bad = 0;
  for (let nic = 0; nic < topology.nics.length; nic++) {
    if (state.nics.suspect[nic] === 1 || isOut(state, nic)) continue;
    total += scan.rowService[nic]!;
    bad += scan.rowServiceLatestBad[nic]!;
  }
  if (bad > 0 && bad >= rules.storm_fraction * total && manyServersBad(state)) {
    if (now - agent.stormSeen > roundTrip(state)) agent.stormAt = now;
    agent.stormSeen = now;
  }
  return now < agent.stormAt + roundTrip(state) + rules.storm_hold_rounds * topology.intervalMs;
}

/** Bad results of one or two real servers among few are no storm, unless there are no others. */
function manyServersBad(state: State): boolean {
  const serverCount = state.topology.realServers.length;
  const needed = Math.min(state.rules.storm_min_real_servers, serverCount);
  let seen = 0;
  for (let server = 0; server < serverCount && seen < needed; server++) {
    for (let nic = 0; nic < state.topology.nics.length; nic++) {
      const cell = nic * serverCount + server;
      if (state.nics.suspect[nic] === 1 || isOut(state, nic) || state.cells.serviceStreak[cell]! >= 0) continue;
      seen++;
      break;
    }
  }
  return seen >= needed;
}
