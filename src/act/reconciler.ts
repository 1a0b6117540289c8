/**
 * Keeps what is applied equal to what is wanted. Per effect at most one call at a time; when it ends, the then wanted state decides,
 * so states in between are skipped. A failed call is repeated with growing pauses and never holds up another effect.
 */
import type { Family, FamilySource } from '../model/family.ts';
import type { Plan } from '../model/plan.ts';
import type { Verdict, Wanted } from '../model/verdict.ts';
import { ActionCounters, type ActionResult } from './counters.ts';
import type { Actuator, Effect } from './actuator.ts';
import { type PlannedEffects, planEffects, valueOf } from './effects.ts';
import { count, Impossible } from './impossible.ts';
import { identityOf } from './index.ts';
import { type End, perform } from './perform.ts';
import { type AppliedState, parseAppliedState } from './state.ts';

/** One finished call for one effect, for the log. */
export interface ActionReport {
  readonly effect: Effect;
  readonly result: ActionResult;
  readonly durationMs: number;
  /** Calls for this wanted state so far that failed. */
  readonly failures: number;
  /** Why it failed or can't be done; else what there is to know, mostly nothing. */
  readonly error: string;
  /** What was in place had been changed by somebody else. */
  readonly drift: boolean;
}

export interface PendingEffect {
  readonly effect: Effect;
  readonly state: 'running' | 'waiting' | 'retrying';
  readonly failures: number;
  /** When it is tried again, in ms of the clock; 0 unless retrying. */
  readonly retryAt: number;
  readonly error: string;
}

export interface ReconcilerOptions {
  readonly actuators: readonly Actuator[];
  /** Monotonic ms. */
  readonly clock: () => number;
  /** 0 ≤ x < 1, for the jitter of pauses. */
  readonly random?: () => number;
  readonly onAction?: (report: ActionReport) => void;
}

interface Entry {
  wanted: Effect;
  /** Value known to be in place; undefined from the start of a call until it succeeds, since a failed call may have done half. */
  applied: string | undefined;
  /** What was last asked for, kept so that it can be undone when the configuration no longer has it. */
  last: Effect;
  announce: boolean;
  running: boolean;
  /** What the actuator noted at the last call. */
  note: string | undefined;
  /** The value that can't be put in place: no call for it until something else is wanted or the plan is new. */
  unsupported: string | undefined;
  /** In place once, then found changed by somebody else, and not put back yet. */
  drifted: boolean;
  /** When its state was last asked for or found, ms of the clock. */
  checkedAt: number;
  /** The next call is a recheck: told only when it finds something. */
  quiet: boolean;
  /** What the actuator said with the last outcome; rechecks tell it once. */
  said: string;
  /** `retiring`: forget it once the rest state is in place. `dropped`: forget it as soon as no call is running. */
  life: 'kept' | 'retiring' | 'dropped';
  failures: number;
  retryAt: number;
  error: string;
}

interface Circumstances {
  /** The effect was in place when the call began. */
  readonly wasInPlace: boolean;
  readonly announce: boolean;
  readonly ms: number;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const LARGEST_BATCH = 5000;
/** How often it is looked for effects whose recheck is due, ms. */
const RECHECK_EVERY_MS = 1000;

export class Reconciler implements FamilySource {
  readonly #options: Required<ReconcilerOptions>;
  readonly #entries = new Map<string, Entry>();
  /** Entries that may need a call; a superset of those that do. */
  readonly #open = new Set<Entry>();
  readonly #running = new Map<string, number>();
  /** Batching instances with a call under way. */
  readonly #busy = new Set<string>();
  readonly #counters: ActionCounters;
  #planned: PlannedEffects | undefined;
  #announce = false;
  #recheckedAt = -Infinity;
  readonly #impossible = new Impossible();
  #idle: (() => void)[] = [];

  constructor(options: ReconcilerOptions) {
    this.#options = { random: Math.random, onAction: () => undefined, ...options };
    this.#counters = new ActionCounters(options.actuators.map((a) => a.name));
  }

  /** Sets the plan, at start and after a reload. The next pass announces the wanted state to idempotent actuators. */
  setPlan(plan: Plan): void {
    this.#planned = planEffects(plan);
    this.#announce = true;
    this.#impossible.forget();
  }

  /** Repeats the wanted state to idempotent actuators at the next pass; others are not called for what is in place. */
  reannounce(): void {
    this.#announce = true;
  }

  /** Takes over what the judge wants and starts what differs. Needed when decisions have actions, after `setPlan` and after start. */
  pass(wanted: Wanted, verdicts: readonly Verdict[]): void {
    if (!this.#planned) return;
    const effects = this.#planned.wanted(wanted, verdicts);
    this.#impossible.recount();
    for (const effect of effects.values()) this.#want(effect);
    for (const [key, entry] of this.#entries) if (!effects.has(key)) this.#unlisted(entry);
    this.#announce = false;
    this.tick();
  }

  /** Starts calls whose pause is over. Cheap when nothing is open; call it every 100 ms or so. */
  tick(): void {
    const now = this.#options.clock();
    this.#recheck(now);
    const batches = new Map<string, [Entry, ...Entry[]]>();
    for (const entry of this.#open) {
      if (entry.running) continue;
      if (!this.#needsCall(entry)) {
        this.#close(entry);
        continue;
      }
      if (entry.retryAt > now) continue;
      const actuator = this.#actuatorOf(entry.wanted);
      if (!actuator) {
        this.#close(entry);
      } else if (!actuator.batch) {
        this.#start(actuator, [entry], '');
      } else {
        const instance = `${actuator.name} ${identityOf(entry.wanted.spec)}`;
        const batch = batches.get(instance);
        if (!batch) batches.set(instance, [entry]);
        else if (batch.length < LARGEST_BATCH) batch.push(entry);
      }
    }
    for (const [instance, batch] of batches) {
      const actuator = this.#actuatorOf(batch[0].wanted)!;
      if (!this.#busy.has(instance)) this.#start(actuator, batch, instance);
    }
    if (this.#quiet()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Everything wanted but not (yet) in place. */
  pending(): PendingEffect[] {
    return [...this.#open]
      .filter((e) => e.running || this.#needsCall(e))
      .map((e) => ({
        effect: e.wanted,
        state: e.running ? 'running' : e.failures > 0 ? 'retrying' : 'waiting',
        failures: e.failures,
        retryAt: e.failures > 0 ? e.retryAt : 0,
        error: e.error,
      }));
  }

  /** Resolves when no call is running and none could start now; effects in a pause stay. */
  idle(): Promise<void> {
    return this.#quiet() ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** What a restart must know: effects in place that are not at rest, and calls whose end is unknown. */
  toJSON(): AppliedState {
    const applied: AppliedState['applied'][number][] = [];
    for (const entry of this.#entries.values()) {
      if (entry.applied === undefined || entry.applied !== restValue(entry.last, this.#planned)) {
        // A note from before a call whose end is not known would be wrong.
        const isKnown = entry.applied !== undefined || !entry.running;
        const note = entry.note === undefined || !isKnown ? {} : { note: entry.note };
        applied.push({ effect: entry.last, value: entry.applied ?? null, ...note });
      }
    }
    return { version: 1, applied };
  }

  /** Takes over a saved state; before the first pass. Returns how many entries were damaged and left out. */
  restore(saved: unknown): number {
    const { entries, damaged } = parseAppliedState(saved);
    for (const { effect, value, note } of entries) this.#add(effect, value ?? undefined, note);
    return damaged;
  }

  families(): readonly Family[] {
    const pending = new Map<string, number>();
    const drifted = new Map<string, number>();
    const unsupported = new Map(this.#impossible.counts);
    for (const { effect } of this.pending()) count(pending, effect);
    for (const entry of this.#entries.values()) {
      if (entry.drifted) count(drifted, entry.wanted);
      if (entry.unsupported !== undefined) count(unsupported, entry.wanted);
    }
    return this.#counters.families({ pending, drifted, unsupported });
  }

  #want(effect: Effect): void {
    if (this.#actuatorOf(effect)?.kinds?.includes(effect.kind) === false) {
      if (valueOf(effect) !== restValue(effect, this.#planned) && this.#impossible.add(effect)) this.#tellImpossible(effect);
      return;
    }
    // A new effect is taken to be at rest: what fourlane has not touched is as its owner configured it.
    const entry = this.#entries.get(effect.key) ?? this.#add(effect, restValue(effect, this.#planned));
    this.#change(entry, effect);
    entry.life = 'kept';
    if (this.#announce && this.#actuatorOf(effect)?.idempotent) entry.announce = true;
    if (this.#needsCall(entry)) this.#open.add(entry);
  }

  #tellImpossible(effect: Effect): void {
    const { spec, kind } = effect;
    this.#counters.result(spec.type, 'unsupported');
    const error = `${spec.type} can't carry out effects of kind ${kind}; this is told once for the service`;
    this.#options.onAction({ effect, result: 'unsupported', durationMs: 0, failures: 0, error, drift: false });
  }

  /** Asks again for what is in place, where the actuator wants that. */
  #recheck(now: number): void {
    if (now - this.#recheckedAt < RECHECK_EVERY_MS) return;
    this.#recheckedAt = now;
    for (const entry of this.#entries.values()) {
      const { wanted } = entry;
      const pause = this.#actuatorOf(wanted)?.recheck?.(wanted.spec);
      if (pause === undefined || entry.running || now - entry.checkedAt < pause || entry.applied !== valueOf(wanted)) continue;
      entry.announce = true;
      entry.quiet = true;
      this.#open.add(entry);
    }
  }

  /** An effect the plan does not list: back to rest if the plan still acts on it, undone if it was a NIC's, else left alone. */
  #unlisted(entry: Entry): void {
    const { last } = entry;
    const undone = { ...last, state: 'ok', verdict: 'OK', cause: 'none', reason: 'no longer configured' } as const;
    const rest = last.kind === 'nic' ? undone : this.#planned?.rest(last);
    entry.life = rest ? 'retiring' : 'dropped';
    if (rest) this.#change(entry, rest);
    this.#open.add(entry);
  }

  #add(effect: Effect, applied: string | undefined, note?: string): Entry {
    const entry: Entry = {
      wanted: effect,
      applied,
      last: effect,
      announce: false,
      running: false,
      note,
      unsupported: undefined,
      drifted: false,
      checkedAt: -Infinity,
      quiet: false,
      said: '',
      life: 'kept',
      failures: 0,
      retryAt: 0,
      error: '',
    };
    this.#entries.set(effect.key, entry);
    return entry;
  }

  #change(entry: Entry, effect: Effect): void {
    if (valueOf(effect) !== valueOf(entry.wanted)) {
      Object.assign(entry, { failures: 0, retryAt: 0, error: '', unsupported: undefined, drifted: false });
    }
    entry.wanted = effect;
  }

  #needsCall(entry: Entry): boolean {
    if (entry.life === 'dropped') return false;
    const value = valueOf(entry.wanted);
    return entry.announce || (entry.applied !== value && entry.unsupported !== value);
  }

  #actuatorOf(effect: Effect): Actuator | undefined {
    return this.#options.actuators.find((a) => a.name === effect.spec.type);
  }

  /** Nothing to do for it now; what is no longer configured is forgotten. */
  #close(entry: Entry): void {
    this.#open.delete(entry);
    if (entry.life !== 'kept') this.#entries.delete(entry.wanted.key);
  }

  #start(actuator: Actuator, entries: readonly [Entry, ...Entry[]], instance: string): void {
    const running = this.#running.get(actuator.name) ?? 0;
    if (running >= actuator.concurrency) return;
    this.#running.set(actuator.name, running + 1);
    if (instance) this.#busy.add(instance);
    const before = entries.map((e) => e.applied);
    const announce = entries.every((e) => e.applied === valueOf(e.wanted));
    const effects = entries.map((e) => e.wanted) as [Effect, ...Effect[]];
    const notes = entries.map((e) => e.note ?? (e.applied === restValue(e.wanted, this.#planned) ? undefined : null));
    for (const [i, entry] of entries.entries()) {
      const applied = announce ? entry.applied : undefined;
      Object.assign(entry, { running: true, announce: false, unsupported: undefined, applied, last: effects[i] });
    }
    const started = this.#options.clock();
    void perform(actuator, effects, { announce, notes }).then((ends) => {
      const now = this.#options.clock();
      this.#running.set(actuator.name, this.#running.get(actuator.name)! - 1);
      this.#busy.delete(instance);
      this.#counters.call(actuator.name, now - started);
      for (const [i, entry] of entries.entries()) {
        this.#ended(entry, effects[i]!, ends[i]!, {
          wasInPlace: before[i] === valueOf(effects[i]!),
          announce,
          ms: now - started,
        });
      }
      this.tick();
    });
  }

  #ended(entry: Entry, effect: Effect, end: End, { wasInPlace, announce, ms }: Circumstances): void {
    const { result, message: error = '', differs = false } = end;
    const { type } = effect.spec;
    const drift = differs && wasInPlace && !entry.drifted;
    const now = this.#options.clock();
    entry.running = false;
    entry.checkedAt = now;
    if ('note' in end) entry.note = end.note;
    this.#counters.result(type, result);
    if (drift) this.#counters.drift(type);
    const isWanted = valueOf(effect) === valueOf(entry.wanted);
    if (result === 'unsupported') {
      if (isWanted) Object.assign(entry, { unsupported: valueOf(effect), failures: 0, retryAt: 0, error, drifted: false });
    } else if (result !== 'failed') {
      Object.assign(entry, { applied: valueOf(effect), failures: 0, retryAt: 0, error: '', drifted: false });
    } else if (isWanted) {
      entry.drifted ||= drift;
      entry.announce ||= announce;
      entry.error = error;
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** entry.failures++);
      entry.retryAt = now + pause * (0.75 + 0.5 * this.#options.random());
    }
    const quiet = entry.quiet && result === 'unchanged' && !drift && (error === '' || error === entry.said);
    entry.quiet = false;
    entry.said = error;
    if (!quiet) this.#options.onAction({ effect, result, durationMs: ms, failures: entry.failures, error, drift });
  }

  /** No call under way; whatever is open is in its pause. */
  #quiet(): boolean {
    const now = this.#options.clock();
    for (const e of this.#open) if (e.running || (this.#needsCall(e) && e.retryAt <= now)) return false;
    return true;
  }
}

/** The value an effect has when nothing is wrong. */
function restValue(effect: Effect, planned: PlannedEffects | undefined): string | undefined {
  if (effect.kind === 'nic') return 'ok';
  const rest = planned?.rest(effect);
  return rest ? valueOf(rest) : undefined;
}
