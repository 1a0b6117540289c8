/**
 * Keeps what is applied equal to what is wanted. Per effect at most one call at a time; when it ends, the then wanted state
 * decides, so states in between are skipped. A failed call is repeated with growing pauses and never holds up another effect.
 */
import type { Family, FamilySource } from '../model/family.ts';
import type { LiveRealServers } from '../model/live-real-server.ts';
import { CUT_OFF } from '../model/verdicts.ts';
import type { Plan } from '../model/plan.ts';
import { resolveRules } from '../model/rules.ts';
import type { Transition, Verdict, Wanted } from '../model/verdict.ts';
import { wallOffsetMs } from '../sys/clock.ts';
import { ActionCounters } from './counters.ts';
import type { Actuator, Effect } from './actuator.ts';
import { type PlannedEffects, planEffects } from './effects.ts';
import { valueOf } from './value.ts';
import {
  attemptsOf,
  callFor,
  ended,
  type EndedCall,
  type Entry,
  heldIn,
  mayHaveChanged,
  needsCall,
  newEntry,
  stepped,
} from './entry.ts';
import { count, Impossible } from './impossible.ts';
import { identityOf } from './index.ts';
import { CONNECTED, type Holding, type Isolation, isolationAfter, restoredIsolation } from './isolation.ts';
import { perform } from './perform.ts';
import type { ActionReport, PendingEffect } from './report.ts';
import { isFailing, notInPlace } from './not-in-place.ts';
import { Slots } from './slots.ts';
import { sorryServers } from './sorry-servers.ts';
import { type AppliedState, parseAppliedState, savedForm } from './state.ts';

export interface ReconcilerOptions {
  readonly actuators: readonly Actuator[];
  /** Monotonic ms. */
  readonly clock: () => number;
  /** 0 ≤ x < 1, for the jitter of pauses. */
  readonly random?: () => number;
  readonly onAction?: (report: ActionReport) => void;
  /** Added to a ms of the clock it gives a Unix ms. */
  readonly wallOffsetMs?: () => number;
}

/** Real servers of a service as a collector reads them now. */
type Look = (collector: string, vip: string) => Promise<LiveRealServers>;

const LARGEST_BATCH = 5000;
/** Effects not in place that have a series of their own. */
const MOST_SHOWN = 20;
/** Pause between two searches for effects whose recheck is due, ms. */
const RECHECK_EVERY_MS = 1000;

export class Reconciler implements FamilySource {
  readonly #options: Required<ReconcilerOptions>;
  readonly #entries = new Map<string, Entry>();
  /** Keys of entries that may need a call, a superset of those that do, with the time since when. */
  readonly #open = new Map<string, number>();
  readonly #slots = new Slots();
  readonly #counters: ActionCounters;
  #planned: PlannedEffects | undefined;
  #announce = false;
  /** Scripts and sorry servers follow the verdicts on real servers. */
  #countsAlive = false;
  #isolation: Isolation = CONNECTED;
  #mayWithdraw = false;
  #holding: Holding = resolveRules({});
  #look: Look | undefined;
  #recheckedAt = -Infinity;
  readonly #impossible = new Impossible();
  /** Since when what can't be put in place has been wanted, by key: ms of the clock. */
  readonly #since = new Map<string, number>();
  #idle: (() => void)[] = [];

  constructor(options: ReconcilerOptions) {
    this.#options = { random: Math.random, onAction: () => undefined, wallOffsetMs, ...options };
    this.#counters = new ActionCounters(options.actuators.map((a) => a.name));
  }

  /** Lets actuators look at real servers through their collector. */
  lookThrough(look: Look): void {
    this.#look = look;
  }

  /** Sets the plan, at start and after a reload. The next pass announces the wanted state to idempotent actuators. */
  setPlan(plan: Plan): void {
    this.#planned = planEffects(plan);
    this.#holding = resolveRules(plan.rules);
    this.#countsAlive = plan.services.some(({ notify }) => notify?.counts === 'alive');
    this.#announce = true;
    this.#impossible.forget();
  }

  /**
   * Follows the agent's own verdict, of each pass. @returns whether what `onIsolated` is to be has changed, so that `pass` is due
   */
  isolates({ frozen }: Pick<Wanted, 'frozen'>): boolean {
    const before = this.#isolation;
    const cutOff = frozen === 'AGENT_ILL' && this.#mayWithdraw ? CUT_OFF : frozen;
    this.#isolation = isolationAfter(before, cutOff, this.#options.clock(), this.#holding);
    return before.failed !== this.#isolation.failed;
  }

  /**
   * Whether the fleet lets this server withdraw itself: then `onIsolated` follows the verdict of being the ill one, too. Alone it
   * does not: others may be ill for the same reason.
   */
  allowWithdrawal(granted: boolean): void {
    this.#mayWithdraw = granted;
  }

  /** Whether `onIsolated` is to be in place. */
  get isWithdrawn(): boolean {
    return this.#isolation.failed;
  }

  /** Whether scripts or sorry servers may be due after these verdicts, also without an action, so that `pass` is. */
  heeds(transitions: readonly Transition[]): boolean {
    return this.#countsAlive && transitions.some(({ subject }) => subject === 'rs' || subject === 'agent');
  }

  /**
   * Takes over what the judge wants and starts what differs. Needed when decisions have actions, after `setPlan` and after start.
   */
  pass(wanted: Wanted, verdicts: readonly Verdict[]): void {
    if (!this.#planned) return;
    this.isolates(wanted);
    const before = (key: string) => this.#entries.get(key)?.wanted;
    const effects = this.#planned.wanted(wanted, verdicts, { isolated: this.#isolation.failed, before });
    this.#impossible.recount();
    for (const effect of effects.values()) this.#want(effect);
    for (const [key, entry] of this.#entries) if (!effects.has(key)) this.#unlisted(entry);
    this.#announce = false;
    this.tick();
  }

  /** The agent ends: announces what the plan wants announced then. No pass may follow. */
  farewell(): void {
    for (const effect of this.#planned?.farewell() ?? []) this.#want(effect);
    this.tick();
  }

  /**
   * The data plane that this collector reads has been started again: nothing waits for its pause, nothing in place is believed.
   */
  started(collector: string): void {
    this.#again((actuator) => actuator.collector === collector);
  }

  /** Somebody wants it as it was decided: what failed or was refused is tried now, what others may have changed is looked at. */
  repair(): void {
    this.#again(() => true);
  }

  #again(concerns: (actuator: Actuator) => boolean): void {
    for (const entry of this.#entries.values()) {
      const { wanted, state } = entry;
      const actuator = this.#actuatorOf(wanted);
      if (!actuator || !concerns(actuator)) continue;
      if (state.is === 'inPlace' && (!actuator.recheck || heldIn(entry) === this.#restOf(wanted))) continue;
      this.#set(entry, stepped(entry, { is: 'restarted' }));
    }
    this.tick();
  }

  /** Starts calls whose pause is over. Cheap when nothing is open; call it every 100 ms or so. */
  tick(): void {
    const now = this.#options.clock();
    this.#recheck(now);
    const batches = new Map<string, [string, ...string[]]>();
    for (const key of this.#open.keys()) {
      const entry = this.#entries.get(key)!;
      if (entry.state.is === 'running') continue;
      const actuator = this.#actuatorOf(entry.wanted);
      if (!needsCall(entry)) this.#close(entry);
      else if (attemptsOf(entry).at > now) continue;
      else if (!actuator) this.#close(entry);
      else if (!actuator.batch) this.#start(actuator, [key], '');
      else {
        const instance = `${actuator.name} ${identityOf(entry.wanted.spec)}`;
        const batch = batches.get(instance);
        if (!batch) batches.set(instance, [key]);
        else if (batch.length < LARGEST_BATCH) batch.push(key);
      }
    }
    for (const [instance, batch] of batches) {
      this.#start(this.#actuatorOf(this.#entries.get(batch[0])!.wanted)!, batch, instance);
    }
    if (this.#quiet()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** What is wanted but not (yet) in place, longest first. @param limit how many at most */
  pending(limit = Infinity): PendingEffect[] {
    const longest = [...this.#pendingEntries()].sort(([, since], [, other]) => since - other).slice(0, limit);
    return longest.map(([entry, since]) => {
      const { failures, at, error } = attemptsOf(entry);
      const state = entry.state.is === 'running' ? 'running' : failures > 0 ? 'retrying' : 'waiting';
      return { effect: entry.wanted, state, actual: heldIn(entry), since, failures, retryAt: at, error };
    });
  }

  /** What is wanted and can't be put in place, longest first. @param limit how many at most */
  unsupported(limit = Infinity): PendingEffect[] {
    const found: PendingEffect[] = [...this.#impossible.pending((effect) => this.#restOf(effect))];
    for (const { wanted, state } of this.#entries.values()) {
      if (state.is !== 'unsupported') continue;
      const since = this.#since.get(wanted.key) ?? this.#options.clock();
      found.push({ effect: wanted, state: state.is, actual: state.held, since, failures: 0, retryAt: 0, error: state.why });
    }
    return found.sort((a, b) => a.since - b.since).slice(0, limit);
  }

  /** How many effects are not in place although a call for them was made, or none can be. */
  failingCount(): number {
    let failing = this.#impossible.size;
    for (const entry of this.#entries.values())
      failing += Number(entry.state.is === 'unsupported' || attemptsOf(entry).failures > 0);
    return failing;
  }

  /** How many effects `pending` lists without a limit. */
  pendingCount(): number {
    return [...this.#pendingEntries()].length;
  }

  /** Resolves when no call is running and none could start now; effects in a pause stay. */
  idle(): Promise<void> {
    return this.#quiet() ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** What a restart must know: effects in place that are not at rest, and calls whose end is unknown. */
  toJSON(): AppliedState {
    return {
      version: 1,
      applied: [...this.#entries.values()].flatMap((entry) => savedForm(entry, this.#restOf(entry.last)) ?? []),
    };
  }

  /** Takes over a saved state; before the first pass. Returns how many entries were damaged and left out. */
  restore(saved: unknown): number {
    const { entries, damaged } = parseAppliedState(saved);
    for (const { effect, value, note } of entries) this.#entries.set(effect.key, newEntry(effect, value ?? undefined, note));
    const held = entries.find(({ effect }) => effect.kind === 'agent' && effect.state === 'failed');
    if (held !== undefined) this.#isolation = restoredIsolation(this.#options.clock());
    return damaged;
  }

  families(): readonly Family[] {
    const pending = new Map<string, number>();
    const drifted = new Map<string, number>();
    const unsupported = new Map<string, number>();
    for (const effect of this.#impossible.effects()) count(unsupported, effect);
    for (const [{ wanted }] of this.#pendingEntries()) count(pending, wanted);
    for (const entry of this.#entries.values()) {
      if (entry.drifted) count(drifted, entry.wanted);
      if (entry.state.is === 'unsupported') count(unsupported, entry.wanted);
    }
    const shown = [...this.unsupported(MOST_SHOWN), ...this.pending(MOST_SHOWN)].filter(isFailing).slice(0, MOST_SHOWN);
    const counted = this.#counters.families({ pending, drifted, unsupported });
    return [...counted, notInPlace(shown, this.#options.wallOffsetMs()), sorryServers(this.#entries.values())];
  }

  *#pendingEntries(): Generator<[entry: Entry, since: number]> {
    for (const [key, since] of this.#open) {
      const entry = this.#entries.get(key)!;
      if (entry.state.is === 'running' || needsCall(entry)) yield [entry, since];
    }
  }

  #want(effect: Effect): void {
    const actuator = this.#actuatorOf(effect);
    if (actuator?.kinds?.includes(effect.kind) === false) {
      const report = valueOf(effect) === this.#restOf(effect) ? undefined : this.#impossible.add(effect, this.#options.clock());
      if (!report) return;
      this.#counters.result(effect.spec.type, report.result);
      this.#options.onAction(report);
      return;
    }
    // A new effect is taken to be at rest: what fourlane has not touched is as its owner configured it.
    const entry = this.#entries.get(effect.key) ?? newEntry(effect, this.#restOf(effect));
    const announce = this.#announce && actuator?.idempotent === true;
    this.#set(entry, stepped(entry, { is: 'wanted', effect, announce }));
  }

  /** Asks again for what is in place, and for what was refused, where the actuator wants that. */
  #recheck(now: number): void {
    if (now - this.#recheckedAt < RECHECK_EVERY_MS) return;
    this.#recheckedAt = now;
    for (const entry of this.#entries.values()) {
      const { wanted, state, checkedAt } = entry;
      const pause = this.#actuatorOf(wanted)?.recheck?.(wanted.spec);
      if (pause === undefined || state.is === 'running' || now - checkedAt < pause || !mayHaveChanged(entry)) continue;
      this.#set(entry, stepped(entry, { is: 'recheckDue' }));
    }
  }

  /** An effect the plan does not list: back to rest if the plan still acts on it, undone if it was this machine's, else left. */
  #unlisted(entry: Entry): void {
    const { last } = entry;
    const undone = { ...last, state: 'ok', verdict: 'OK', cause: 'none', reason: 'no longer configured' } as const;
    const rest = isOwn(last) ? undone : this.#planned?.rest(last);
    this.#set(entry, stepped(entry, { is: 'unlisted', rest }));
    // Also without a call: `tick` forgets it.
    if (!this.#open.has(last.key)) this.#open.set(last.key, this.#options.clock());
  }

  /** Keeps the entry that follows, open from now on if it needs a call for another value than before. */
  #set(before: Entry, entry: Entry): void {
    const { key } = entry.wanted;
    this.#entries.set(key, entry);
    if (!needsCall(entry)) return;
    if (!this.#open.has(key) || valueOf(before.wanted) !== valueOf(entry.wanted)) this.#open.set(key, this.#options.clock());
  }

  #actuatorOf({ spec }: Effect): Actuator | undefined {
    return this.#options.actuators.find((a) => a.name === spec.type);
  }

  /** The value an effect has when nothing is wrong; undefined when the plan does not act on it. */
  #restOf(effect: Effect): string | undefined {
    if (isOwn(effect)) return 'ok';
    const rest = this.#planned?.rest(effect);
    return rest && valueOf(rest);
  }

  /** Nothing to do for it now; what is no longer configured is forgotten. */
  #close({ life, wanted: { key } }: Entry): void {
    this.#open.delete(key);
    if (life !== 'kept') this.#entries.delete(key);
  }

  #start(actuator: Actuator, keys: readonly [string, ...string[]], instance: string): void {
    if (!this.#slots.take(actuator, instance)) return;
    const entries = keys.map((key) => this.#entries.get(key)!);
    const effects = entries.map((entry) => entry.wanted) as [Effect, ...Effect[]];
    const { collector } = actuator;
    const look = this.#look;
    const looked = collector === undefined || look === undefined ? {} : { look: (vip: string) => look(collector, vip) };
    const call = { ...callFor(entries, (effect) => this.#restOf(effect)), ...looked };
    const { announce } = call;
    for (const entry of entries) this.#entries.set(entry.wanted.key, stepped(entry, { is: 'begun', announce }));
    const started = this.#options.clock();
    void perform(actuator, effects, call).then((ends) => {
      const ms = this.#options.clock() - started;
      this.#slots.free(actuator, instance);
      this.#counters.call(actuator.name, ms);
      for (const [i, effect] of effects.entries()) {
        const wasInPlace = heldIn(entries[i]!) === valueOf(effect);
        this.#ended({ effect, end: ends[i]!, announce, wasInPlace }, ms);
      }
      this.tick();
    });
  }

  #ended(call: Pick<EndedCall, 'effect' | 'end' | 'announce' | 'wasInPlace'>, durationMs: number): void {
    const { clock, random, onAction } = this.#options;
    const { effect, end } = call;
    const { result, message: error = '' } = end;
    const { entry, drift, quiet, known } = ended(this.#entries.get(effect.key)!, { ...call, now: clock(), random: random() });
    this.#entries.set(effect.key, entry);
    if (entry.state.is !== 'unsupported') this.#since.delete(effect.key);
    else if (!this.#since.has(effect.key)) this.#since.set(effect.key, this.#open.get(effect.key) ?? clock());
    this.#counters.result(effect.spec.type, result);
    if (drift) this.#counters.drift(effect.spec.type);
    if (!quiet) onAction({ effect, result, durationMs, failures: attemptsOf(entry).failures, error, known, drift });
  }

  /** No call under way; whatever is open is in its pause. */
  #quiet(): boolean {
    const now = this.#options.clock();
    for (const key of this.#open.keys()) {
      const entry = this.#entries.get(key)!;
      if (entry.state.is === 'running' || (needsCall(entry) && attemptsOf(entry).at <= now)) return false;
    }
    return true;
  }
}

/** Of `onFail` or `onIsolated`: of this machine, not of a service. */
function isOwn({ kind }: Effect): boolean {
  return kind === 'nic' || kind === 'agent';
}
