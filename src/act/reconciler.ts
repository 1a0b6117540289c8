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
import { identityOf } from './index.ts';
import { type AppliedState, parseAppliedState } from './state.ts';

/** One finished call for one effect, for the log. */
export interface ActionReport {
  readonly effect: Effect;
  readonly result: ActionResult;
  readonly durationMs: number;
  /** Calls for this wanted state so far that failed. */
  readonly failures: number;
  readonly error: string;
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
  /** `retiring`: forget it once the rest state is in place. `dropped`: forget it as soon as no call is running. */
  life: 'kept' | 'retiring' | 'dropped';
  failures: number;
  retryAt: number;
  error: string;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const LARGEST_BATCH = 5000;

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
  #idle: (() => void)[] = [];

  constructor(options: ReconcilerOptions) {
    this.#options = { random: Math.random, onAction: () => undefined, ...options };
    this.#counters = new ActionCounters(options.actuators.map((a) => a.name));
  }

  /** Sets the plan, at start and after a reload. The next pass announces the wanted state to idempotent actuators. */
  setPlan(plan: Plan): void {
    this.#planned = planEffects(plan);
    this.#announce = true;
  }

  /** Repeats the wanted state to idempotent actuators at the next pass; others are not called for what is in place. */
  reannounce(): void {
    this.#announce = true;
  }

  /** Takes over what the judge wants and starts what differs. Needed when decisions have actions, after `setPlan` and after start. */
  pass(wanted: Wanted, verdicts: readonly Verdict[]): void {
    if (!this.#planned) return;
    const effects = this.#planned.wanted(wanted, verdicts);
    for (const effect of effects.values()) this.#want(effect);
    for (const [key, entry] of this.#entries) if (!effects.has(key)) this.#unlisted(entry);
    this.#announce = false;
    this.tick();
  }

  /** Starts calls whose pause is over. Cheap when nothing is open; call it every 100 ms or so. */
  tick(): void {
    const now = this.#options.clock();
    const batches = new Map<string, [Entry, ...Entry[]]>();
    for (const entry of this.#open) {
      if (entry.running) continue;
      if (!this.#needsCall(entry)) {
        this.#close(entry);
        continue;
      }
      if (entry.retryAt > now) continue;
      const { spec } = entry.wanted;
      const actuator = this.#options.actuators.find((a) => a.name === spec.type);
      if (!actuator) {
        this.#close(entry);
      } else if (!actuator.batch) {
        this.#start(actuator, [entry], '');
      } else {
        const instance = `${actuator.name} ${identityOf(spec)}`;
        const batch = batches.get(instance);
        if (!batch) batches.set(instance, [entry]);
        else if (batch.length < LARGEST_BATCH) batch.push(entry);
      }
    }
    for (const [instance, batch] of batches) {
      const actuator = this.#options.actuators.find((a) => a.name === batch[0].wanted.spec.type)!;
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
        applied.push({ effect: entry.last, value: entry.applied ?? null });
      }
    }
    return { version: 1, applied };
  }

  /** Takes over a saved state; before the first pass. Returns how many entries were damaged and left out. */
  restore(saved: unknown): number {
    const { entries, damaged } = parseAppliedState(saved);
    for (const { effect, value } of entries) this.#add(effect, value ?? undefined);
    return damaged;
  }

  families(): readonly Family[] {
    const pending = new Map<string, number>();
    for (const { effect } of this.pending()) pending.set(effect.spec.type, (pending.get(effect.spec.type) ?? 0) + 1);
    return this.#counters.families(pending);
  }

  #want(effect: Effect): void {
    // A new effect is taken to be at rest: what fourlane has not touched is as its owner configured it.
    const entry = this.#entries.get(effect.key) ?? this.#add(effect, restValue(effect, this.#planned));
    this.#change(entry, effect);
    entry.life = 'kept';
    if (this.#announce && this.#isIdempotent(effect)) entry.announce = true;
    if (this.#needsCall(entry)) this.#open.add(entry);
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

  #add(effect: Effect, applied: string | undefined): Entry {
    const entry: Entry = {
      wanted: effect,
      applied,
      last: effect,
      announce: false,
      running: false,
      life: 'kept',
      failures: 0,
      retryAt: 0,
      error: '',
    };
    this.#entries.set(effect.key, entry);
    return entry;
  }

  #change(entry: Entry, effect: Effect): void {
    if (valueOf(effect) !== valueOf(entry.wanted)) Object.assign(entry, { failures: 0, retryAt: 0, error: '' });
    entry.wanted = effect;
  }

  #needsCall(entry: Entry): boolean {
    return entry.life !== 'dropped' && (entry.announce || entry.applied !== valueOf(entry.wanted));
  }

  #isIdempotent(effect: Effect): boolean {
    return this.#options.actuators.some((a) => a.name === effect.spec.type && a.idempotent);
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
    const announce = entries.every((e) => e.applied === valueOf(e.wanted));
    const effects = entries.map((e) => e.wanted) as [Effect, ...Effect[]];
    for (const [i, entry] of entries.entries()) {
      Object.assign(entry, { running: true, announce: false, applied: announce ? entry.applied : undefined, last: effects[i] });
    }
    const started = this.#options.clock();
    void this.#perform(actuator, effects, announce).then(({ result, error }) => {
      const now = this.#options.clock();
      this.#running.set(actuator.name, this.#running.get(actuator.name)! - 1);
      this.#busy.delete(instance);
      this.#counters.call(actuator.name, now - started);
      for (const [i, entry] of entries.entries()) this.#ended(entry, effects[i]!, result, error, now - started, announce);
      this.tick();
    });
  }

  async #perform(actuator: Actuator, effects: [Effect, ...Effect[]], announce: boolean) {
    try {
      const performed = await actuator.perform(effects[0].spec, effects, { announce });
      const result: ActionResult = performed === 'unchanged' ? 'unchanged' : announce && actuator.batch ? 'announced' : 'ok';
      return { result, error: '' };
    } catch (error) {
      return { result: 'failed' as const, error: error instanceof Error ? error.message : String(error) };
    }
  }

  #ended(entry: Entry, effect: Effect, result: ActionResult, error: string, durationMs: number, announce: boolean): void {
    entry.running = false;
    this.#counters.result(effect.spec.type, result);
    if (result !== 'failed') {
      Object.assign(entry, { applied: valueOf(effect), failures: 0, retryAt: 0, error: '' });
    } else if (valueOf(effect) === valueOf(entry.wanted)) {
      entry.announce ||= announce;
      entry.error = error;
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** entry.failures++);
      entry.retryAt = this.#options.clock() + pause * (0.75 + 0.5 * this.#options.random());
    }
    this.#options.onAction({ effect, result, durationMs, failures: entry.failures, error });
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
