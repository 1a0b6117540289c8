/**
 * The judge: evidence in, verdicts and decisions out. Deterministic: the same state, facts and times give the same answer. No clock, no I/O.
 * For speed the state is changed in place and returned; it belongs to the caller. Call at least every T/5, best every T/10.
 */
import type { Facts } from '../model/facts.ts';
import type { Action, AgentVerdict, BlockedAction, Decisions, Transition, Verdict } from '../model/verdict.ts';
import { agentVerdict, stormHolds } from './agent.ts';
import { evidenceOf } from './explain.ts';
import { govern } from './govern.ts';
import { badness } from './govern-servers.ts';
import { judgeNics, judgeTrust } from './nic.ts';
import { judgePath } from './path.ts';
import { judgeRacks } from './rack.ts';
import { judgeRealServer } from './real-server.ts';
import { reasonFor } from './reason.ts';
import { take } from './results.ts';
import { scanMatrix } from './scan.ts';
import { type Indexed, keyOf, nameSubject } from './subjects.ts';
import { turnWindow } from './window.ts';
import { VERDICT, VERDICTS, VERDICT_CAUSES } from '../model/verdicts.ts';
import { BAD, roundTrip, type State } from './memory.ts';

export type { State as JudgeState } from './memory.ts';
export { initial } from './initial.ts';

/** A mass event is named over several passes, so that no pass takes long. */
const MAX_CHANGES = 250;

interface Draft extends Transition {
  readonly actions: Action[];
  readonly blocked: BlockedAction[];
}

/** Transitions of one pass, found again by subject when the governor acts on them. */
class Changes {
  readonly list: Draft[] = [];
  readonly #bySubject = new Map<number, Draft>();
  readonly #s: State;
  readonly #now: number;

  constructor(s: State, now: number) {
    this.#s = s;
    this.#now = now;
  }

  add(x: Indexed, previous: number, verdict: number, cause: number): void {
    const s = this.#s;
    const draft: Draft = {
      ...describe(s, x, verdict, cause, this.#now),
      t: this.#now,
      previous: VERDICTS[previous]!,
      actions: [],
      blocked: [],
    };
    this.list.push(draft);
    const key = keyOf(s, x);
    if (key !== undefined) this.#bySubject.set(key, draft);
  }

  of(subject: number): Draft | undefined {
    return this.#bySubject.get(subject);
  }
}

/** A verdict with its evidence as of now. */
function describe(s: State, x: Indexed, verdict: number, cause: number, since: number): Verdict {
  const subject = nameSubject(s, x);
  const evidence = evidenceOf(s, x, verdict, cause);
  const name = VERDICTS[verdict]!;
  const why = VERDICT_CAUSES[cause]!;
  return { ...subject, verdict: name, cause: why, since, reason: reasonFor(subject, name, why, evidence), evidence };
}

/**
 * One pass at `now` (ms, never less than in the pass before) over what was observed since the last one. `decisions.wanted` is owned by
 * the state; `decisions.actions` is exactly how it changed in this pass.
 */
export function judge(s: State, facts: Facts, now: number): { state: State; decisions: Decisions } {
  const { clock, agent } = s;
  const elapsed = Math.max(now - clock.now, 0);
  clock.hold += Math.min(elapsed, s.topology.intervalMs / 5);
  clock.now = now;
  turnWindow(s, now);
  take(s, facts, now);
  scanMatrix(s, now);
  const changes = new Changes(s, now);
  judgeAgent(s, now, changes);
  const blind = agent.verdict === 'AGENT_STALLED';
  const cold = now < agent.coldUntil;
  judgeNics(s, now, blind, cold, (i, previous) => {
    changes.add({ kind: 'nic', nic: i }, previous, s.nics.verdict[i]!, s.nics.cause[i]!);
  });
  judgeTrust(s);
  if (agent.verdict === '') {
    judgeColumns(s, now, cold || stormHolds(s, now), changes);
    judgeRacks(s, now, (k, previous) => changes.add({ kind: 'rack', rack: k }, previous, s.racks.verdict[k]!, 0));
  }
  return { state: s, decisions: decide(s, now, changes) };
}

function judgeAgent(s: State, now: number, changes: Changes): void {
  const { agent } = s;
  const before = agent.verdict;
  const verdict = agentVerdict(s, now);
  if (verdict === before) return;
  agent.verdict = verdict;
  agent.at = now;
  // Whatever was forming is forgotten, and what was decided before the freeze must be seen again before it acts.
  if (before === '') {
    s.servers.since.fill(0);
    s.servers.goodT.fill(0);
    s.cells.pathSince.fill(0);
  }
  if (verdict === '') agent.settleUntil = now + roundTrip(s);
  const code = (name: '' | AgentVerdict) => (name === '' ? VERDICT.OK : VERDICT[name]);
  changes.add({ kind: 'agent' }, code(before), code(verdict), 0);
}

/** Real servers and paths. Columns where nothing fails, nothing is judged and nothing forms are passed over. */
function judgeColumns(s: State, now: number, waits: boolean, changes: Changes): void {
  const { servers, cells, scan, topology, governor } = s;
  const m = topology.realServers.length;
  const n = topology.nics.length;
  const fallen: number[] = [];
  for (let j = 0; j < m; j++) {
    if (scan.serviceGood[j] === 0) servers.goodT[j] = 0;
    else if (servers.goodT[j] === 0) servers.goodT[j] = now;
    const failing = scan.serviceBad[j]! > 0;
    if (!failing && servers.verdict[j] === VERDICT.OK && servers.since[j] === 0 && servers.faulty[j] === 0) continue;
    const full = waits || changes.list.length >= MAX_CHANGES;
    const change = judgeRealServer(s, j, now, full);
    if (change === undefined) continue;
    const previous = servers.verdict[j]!;
    setServer(s, j, change.verdict, change.cause, now);
    if (change.verdict === VERDICT.RS_DOWN) fallen.push(j);
    else governor.activeServers.add(j);
    changes.add({ kind: 'rs', server: j }, previous, change.verdict, change.cause);
  }
  for (const j of fallen.toSorted((a, b) => badness(s, b) - badness(s, a) || a - b)) {
    governor.activeServers.delete(j);
    governor.activeServers.add(j);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0, c = i * m; j < m; j++, c++) {
      if (cells.serviceNow[c] !== BAD && cells.path[c] === VERDICT.OK && cells.pathSince[c] === 0) continue;
      const change = judgePath(s, i, j, now, waits || changes.list.length >= MAX_CHANGES);
      if (change === undefined) continue;
      const previous = cells.path[c]!;
      cells.path[c] = change.verdict;
      cells.pathCause[c] = change.cause;
      cells.pathAt[c] = now;
      governor.activePaths.add(c);
      changes.add({ kind: 'path', nic: i, server: j }, previous, change.verdict, change.cause);
    }
  }
}

function setServer(s: State, j: number, verdict: number, cause: number, now: number): void {
  const { servers, racks, rules } = s;
  const previous = servers.verdict[j]!;
  servers.verdict[j] = verdict;
  servers.cause[j] = cause;
  servers.at[j] = now;
  const step = (verdict === VERDICT.RS_DOWN ? 1 : 0) - (previous === VERDICT.RS_DOWN ? 1 : 0);
  racks.downAnywhere += step;
  if (servers.rack[j]! >= 0) racks.down[servers.rack[j]!]! += step;
  if (verdict === VERDICT.RS_DOWN) servers.rampT[j] = 0;
  else if (previous === VERDICT.RS_DOWN) servers.rampT[j] = now;
  // After flapping the rest of slow start follows.
  else if (previous === VERDICT.FLAPPING) servers.rampT[j] = now - rules.slow_start_ms * rules.flapping_weight;
}

function decide(s: State, now: number, changes: Changes): Decisions {
  const actions: Action[] = [];
  const blocked: BlockedAction[] = [];
  govern(s, now, {
    done(action, subject) {
      actions.push(action);
      changes.of(subject)?.actions.push(action);
    },
    held(action, rule, subject) {
      const entry = { action, rule };
      blocked.push(entry);
      changes.of(subject)?.blocked.push(entry);
    },
  });
  return { transitions: changes.list, actions, blocked, wanted: s.governor.wanted };
}
