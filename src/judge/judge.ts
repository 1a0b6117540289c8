/**
 * The judge: evidence in, verdicts and decisions out. Deterministic: the same state, facts and times give the same answer. No
 * clock, no I/O. For speed the state is changed in place and returned; it belongs to the caller. Call at least every T/5, best
 * every T/10.
 */
import type { Facts } from '../model/facts.ts';
import type { Action, AgentVerdict, BlockedAction, Decisions, Transition, Verdict } from '../model/verdict.ts';
import { agentVerdict, stormHolds } from './agent.ts';
import { doubted } from './dataplane.ts';
import { evidenceOf } from './explain.ts';
import { causeElsewhere, forgetStanding, illForms } from './fleet.ts';
import { govern } from './govern.ts';
import { byChecker, startsDown } from './by-checker.ts';
import { badness } from './members.ts';
import { judgeNics, judgeTrust } from './nic.ts';
import { judgePath } from './path.ts';
import { judgeRacks } from './rack.ts';
import { byResults, type RealServerRule } from './real-server.ts';
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

  constructor(state: State, now: number) {
    this.#s = state;
    this.#now = now;
  }

  add(indexed: Indexed, previous: number, verdict: number, cause: number): void {
    const state = this.#s;
    const draft: Draft = {
      ...describe(state, indexed, verdict, cause, this.#now),
      t: this.#now,
      previous: VERDICTS[previous]!,
      actions: [],
      blocked: [],
    };
    this.list.push(draft);
    const key = keyOf(state, indexed);
    if (key !== undefined) this.#bySubject.set(key, draft);
  }

  of(subject: number): Draft | undefined {
    return this.#bySubject.get(subject);
  }
}

/** A verdict with its evidence as of now. */
function describe(state: State, indexed: Indexed, verdict: number, cause: number, since: number): Verdict {
  const subject = nameSubject(state, indexed);
  const evidence = evidenceOf(state, indexed, verdict, cause);
  const name = VERDICTS[verdict]!;
  const why = VERDICT_CAUSES[cause]!;
  return { ...subject, verdict: name, cause: why, since, reason: reasonFor(subject, name, why, evidence), evidence };
}

/**
 * One pass at `now` (ms, never less than in the pass before) over what was observed since the last one. `decisions.wanted` is
 * owned by the state; `decisions.actions` is exactly how it changed in this pass.
 */
export function judge(state: State, facts: Facts, now: number): { state: State; decisions: Decisions } {
  const { clock, agent, scan } = state;
  const elapsed = Math.max(now - clock.now, 0);
  scan.lastPass = clock.now;
  scan.missed = 0;
  scan.weighed = 0;
  clock.hold += Math.min(elapsed, state.topology.intervalMs / 5);
  clock.now = now;
  turnWindow(state, now);
  take(state, facts, now);
  scanMatrix(state, now);
  const changes = new Changes(state, now);
  judgeAgent(state, now, changes);
  const blind = agent.verdict === 'AGENT_STALLED';
  const cold = now < agent.coldUntil;
  judgeNics(state, now, { blind, cold }, (nic, previous) => {
    changes.add({ kind: 'nic', nic: nic }, previous, state.nics.verdict[nic]!, state.nics.cause[nic]!);
  });
  judgeTrust(state);
  if (agent.verdict === '') {
    const storm = stormHolds(state, now);
    judgeColumns(state, now, cold || storm || illForms(state), changes);
    judgeRacks(state, now, (rack, previous) =>
      changes.add({ kind: 'rack', rack: rack }, previous, state.racks.verdict[rack]!, 0),
    );
  }
  return { state: state, decisions: decide(state, now, changes) };
}

function judgeAgent(state: State, now: number, changes: Changes): void {
  const { agent } = state;
  const before = agent.verdict;
  const verdict = agentVerdict(state, now);
  if (verdict === before) return;
  agent.verdict = verdict;
  agent.at = now;
  // Whatever was forming is forgotten, and what was decided before the freeze must be seen again before it acts.
  if (before === '') {
    state.servers.since.fill(0);
    state.servers.goodT.fill(0);
    state.cells.pathSince.fill(0);
  }
  if (verdict === '') agent.settleUntil = now + roundTrip(state);
  const code = (name: '' | AgentVerdict) => (name === '' ? VERDICT.OK : VERDICT[name]);
  changes.add({ kind: 'agent' }, code(before), code(verdict), 0);
}

/** Real servers and paths. Columns where nothing fails, nothing is judged and nothing forms are passed over. */
function judgeColumns(state: State, now: number, waits: boolean, changes: Changes): void {
  const { servers, cells, scan, topology, governor } = state;
  const serverCount = topology.realServers.length;
  const nicCount = topology.nics.length;
  const fallen: number[] = [];
  for (let server = 0; server < serverCount; server++) {
    if (scan.serviceGood[server] === 0) servers.goodT[server] = 0;
    else if (servers.goodT[server] === 0) servers.goodT[server] = now;
    const failing = scan.serviceBad[server]! > 0;
    const still =
      !failing && servers.verdict[server] === VERDICT.OK && servers.since[server] === 0 && servers.faulty[server] === 0;
    if (still && !startsDown(state, server)) continue;
    const full = changes.list.length >= MAX_CHANGES;
    const change = ruleOf(state, server).judge(state, server, now, waits, full);
    if (change === undefined) {
      if (servers.verdict[server] === VERDICT.RS_DOWN) rename(state, server, now, changes);
      continue;
    }
    const previous = servers.verdict[server]!;
    if (previous === VERDICT.RS_DOWN) forgetStanding(state, server);
    setServer(state, server, change.verdict, change.cause, now);
    if (change.verdict === VERDICT.RS_DOWN) fallen.push(server);
    else governor.activeServers.add(server);
    changes.add({ kind: 'rs', server: server }, previous, change.verdict, change.cause);
  }
  for (const server of fallen.toSorted((a, b) => badness(state, b) - badness(state, a) || a - b)) {
    governor.activeServers.delete(server);
    governor.activeServers.add(server);
  }
  for (let nic = 0; nic < nicCount; nic++) {
    for (let server = 0, cell = nic * serverCount; server < serverCount; server++, cell++) {
      if (cells.serviceNow[cell] !== BAD && cells.path[cell] === VERDICT.OK && cells.pathSince[cell] === 0) continue;
      const change = judgePath(state, nic, server, now, waits || changes.list.length >= MAX_CHANGES);
      if (change === undefined) continue;
      const previous = cells.path[cell]!;
      cells.path[cell] = change.verdict;
      cells.pathCause[cell] = change.cause;
      cells.pathAt[cell] = now;
      governor.activePaths.add(cell);
      changes.add({ kind: 'path', nic: nic, server: server }, previous, change.verdict, change.cause);
    }
  }
}

/** R6 as it holds for this real server. */
function ruleOf({ topology }: State, server: number): RealServerRule {
  return topology.realServers[server]!.checker === undefined ? byResults : byChecker;
}

/** R14: a real server stays down, and the fault gets another name. What is done about it stays the same. */
function rename(state: State, server: number, now: number, changes: Changes): void {
  const { isDown, ownCause } = ruleOf(state, server);
  const cause = causeElsewhere(state, server, () => ownCause(state, server, now));
  if (cause === undefined || changes.list.length >= MAX_CHANGES || !isDown(state, server, now)) return;
  state.servers.cause[server] = cause;
  changes.add({ kind: 'rs', server: server }, VERDICT.RS_DOWN, VERDICT.RS_DOWN, cause);
}

function setServer(state: State, server: number, verdict: number, cause: number, now: number): void {
  const { servers, racks, rules, topology } = state;
  const previous = servers.verdict[server]!;
  servers.verdict[server] = verdict;
  servers.cause[server] = cause;
  servers.at[server] = now;
  const step = (verdict === VERDICT.RS_DOWN ? 1 : 0) - (previous === VERDICT.RS_DOWN ? 1 : 0);
  racks.downAnywhere += step;
  if (servers.rack[server]! >= 0) racks.down[servers.rack[server]!]! += step;
  if (verdict === VERDICT.RS_DOWN) servers.rampT[server] = 0;
  // keepalived gives a real server all of its weight at once.
  else if (topology.realServers[server]!.checker !== undefined) servers.rampT[server] = 0;
  else if (previous === VERDICT.RS_DOWN) servers.rampT[server] = now;
  // After flapping the rest of slow start follows.
  else if (previous === VERDICT.FLAPPING) servers.rampT[server] = now - rules.slow_start_ms * rules.flapping_weight;
}

function decide(state: State, now: number, changes: Changes): Decisions {
  const actions: Action[] = [];
  const blocked: BlockedAction[] = [];
  govern(state, now, {
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
  return {
    transitions: changes.list,
    actions,
    blocked,
    wanted: state.governor.wanted,
    weighed: state.scan.weighed === 1,
    doubted: doubted(state),
  };
}
