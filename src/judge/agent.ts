/** R0 blindness, R9 global guard, R10 storm hold: when the agent must rather doubt itself, or wait. */
import type { AgentVerdict } from '../model/verdict.ts';
import { isBlind } from './scan.ts';
import { isOut, roundTrip, type State } from './memory.ts';

const sum = (a: Int32Array) => a.reduce((x, y) => x + y, 0);

/** The verdict on the agent itself in this pass; '' = none. */
export function agentVerdict(s: State, now: number): '' | AgentVerdict {
  if (isBlind(s, now)) return 'AGENT_STALLED';
  const { scan } = s;
  const fresh = scan.eligible - scan.blind;
  const linksDead = fresh > 0 && sum(scan.rowBad) === fresh;
  const service = sum(scan.rowService);
  if (!linksDead && !(service > 0 && sum(scan.rowServiceBad) === service)) return '';
  return steady(s, linksDead && !scan.anchorsGood.some((n) => n > 0) ? 'AGENT_ISOLATED' : 'ALL_RS_DOWN');
}

/** One lost answer of an anchor does not rename a freeze. */
function steady(s: State, kind: AgentVerdict): AgentVerdict {
  const { agent, clock } = s;
  const before = agent.verdict;
  if (before === kind || (before !== 'ALL_RS_DOWN' && before !== 'AGENT_ISOLATED')) {
    agent.kindSince = 0;
    return kind;
  }
  if (agent.kindSince === 0) agent.kindSince = clock.hold;
  return clock.hold - agent.kindSince >= s.rules.nic_hold_rounds * s.topology.intervalMs ? kind : before;
}

/**
 * Whether new verdicts on real servers and paths must wait because so much turned bad at once that the rules for NICs, racks and the
 * whole agent have to speak first. Call once per pass.
 */
export function stormHolds(s: State, now: number): boolean {
  const { agent, rules, scan, topology } = s;
  let total = 0;
  let bad = 0;
  for (let i = 0; i < topology.nics.length; i++) {
    if (s.nics.suspect[i] === 1 || isOut(s, i)) continue;
    total += scan.rowService[i]!;
    bad += scan.rowServiceLatestBad[i]!;
  }
  if (bad > 0 && bad >= rules.storm_fraction * total && manyServersBad(s)) {
    if (now - agent.stormSeen > roundTrip(s)) agent.stormAt = now;
    agent.stormSeen = now;
  }
  return now < agent.stormAt + roundTrip(s) + rules.storm_hold_rounds * topology.intervalMs;
}

/** Bad results of one or two real servers among few are no storm, unless there are no others. */
function manyServersBad(s: State): boolean {
  const m = s.topology.realServers.length;
  const needed = Math.min(s.rules.storm_min_real_servers, m);
  let seen = 0;
  for (let j = 0; j < m && seen < needed; j++) {
    for (let i = 0; i < s.topology.nics.length; i++) {
      const c = i * m + j;
      if (s.nics.suspect[i] === 1 || isOut(s, i) || s.cells.serviceStreak[c]! >= 0) continue;
      seen++;
      break;
    }
  }
  return seen >= needed;
}
