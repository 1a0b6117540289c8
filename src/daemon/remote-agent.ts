/**
 * The agent as the thread that serves HTTP knows it: the moment that the judge's thread sent last, and what can be asked of it.
 */
import { unpackPlan } from '../config/plan-bytes.ts';
import { type Mirror, openMirror } from '../judge/mirror.ts';
import { cells, verdicts, why } from '../judge/read.ts';
import type { AgentLink } from '../http/agent.ts';
import { FrameReader } from '../metrics/frames.ts';
import { Registry } from '../metrics/registry.ts';
import { FourlaneError } from '../model/errors.ts';
import type { Family } from '../model/family.ts';
import type { Plan } from '../model/plan.ts';
import { judgeNic, type Topology } from '../model/topology.ts';
import type { Subject, Verdict } from '../model/verdict.ts';
import { JudgeFamilies } from '../report/families.ts';
import { TransitionLog } from '../report/history.ts';
import type { AgentView, FleetAnswer, HistoryView, ReloadResult, ShadowAnswer } from '../report/view.ts';
import type { CallAnswer, FromHttp, HttpInit, Moment, Standing, ToHttp } from './http-messages.ts';
import { VerdictMemory } from './memory.ts';
import { Pulse } from './pulse.ts';
import { judged } from './view.ts';

/** A moment older than this is not answered from, ms. */
const FRESH_MS = 100;
/** How long the judge's thread may take to answer, ms. */
const PATIENCE_MS = 5000;
const SHADOW_MS = 1000;

interface Planned {
  readonly plan: Plan;
  readonly mirrors: readonly Mirror[];
}

export class RemoteAgent implements AgentLink {
  readonly #init: HttpInit;
  readonly #post: (message: FromHttp) => void;
  readonly #clock: () => number;
  readonly #pulse: Pulse;
  readonly #memory = new VerdictMemory();
  readonly #ring = new TransitionLog();
  readonly #rows = new FrameReader();
  readonly #plans = new Map<number, Planned>();
  readonly #calls = new Map<number, (answer: CallAnswer) => void>();
  readonly metrics = new Registry();
  readonly view: AgentView;
  readonly chaos?: (nic: string) => Promise<boolean>;
  #moment: Moment | undefined;
  #standing: Standing = { phase: 'starting', ready: false, reason: 'the agent is starting' };
  #families: readonly Family[] = [];
  #verdicts: readonly Verdict[] | undefined;
  #wait: { readonly promise: Promise<number>; readonly resolve: (number: number) => void } | undefined;
  #nextCall = 0;
  #shadow: { readonly t: number; readonly answer: Promise<ShadowAnswer | undefined> } | undefined;

  constructor(init: HttpInit, post: (message: FromHttp) => void, clock: () => number) {
    this.#init = init;
    this.#post = post;
    this.#clock = clock;
    this.#pulse = new Pulse(init.pulse);
    this.view = this.#makeView();
    this.metrics.add(new JudgeFamilies(this.view), { families: () => this.#measured() });
    if (init.chaos) this.chaos = async (nic) => (await this.#call({ do: 'chaos', nic })) === true;
  }

  /** Takes a message of the judge's thread. */
  take(message: ToHttp): void {
    switch (message.type) {
      case 'plan': {
        const plan = unpackPlan(message.plan);
        const { shape, halves } = message;
        this.#plans.set(message.number, { plan, mirrors: halves.map((half) => openMirror(namesOf(plan), shape, half)) });
        return;
      }
      case 'standing':
        this.#standing = message.standing;
        return;
      case 'transitions':
        this.#memory.record(message.transitions);
        this.#ring.record({ transitions: message.transitions, blocked: [] });
        return;
      case 'moment':
        this.#show(message.moment);
        return;
      case 'answer':
        this.#calls.get(message.id)?.(message.answer);
        this.#calls.delete(message.id);
        return;
      case 'stop':
        return;
    }
  }

  async refresh(): Promise<number> {
    const known = this.#moment;
    if (known !== undefined && known.changes === this.#pulse.changes && this.#clock() - known.t < FRESH_MS) return known.number;
    if (this.#wait === undefined) {
      const { promise, resolve } = Promise.withResolvers<number>();
      this.#wait = { promise, resolve };
      this.#post({ type: 'ask', half: 1 - (known?.half ?? 1) });
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const silent = () =>
      reject(new FourlaneError('STALLED', `the judge did not say within ${PATIENCE_MS / 1000} s how the agent is`));
    const timer = setTimeout(silent, PATIENCE_MS);
    void this.#wait.promise.then(resolve).finally(() => clearTimeout(timer));
    return promise;
  }

  silentMs(): number {
    return this.#pulse.silentMs(this.#clock());
  }

  async reload(by: string): Promise<ReloadResult> {
    return (await this.#call({ do: 'reload', by })) as ReloadResult;
  }

  /** Whoever asks more often than once a second gets the same answer: the judge's thread makes it. */
  shadow(): Promise<ShadowAnswer | undefined> {
    const now = this.#clock();
    if (this.#shadow === undefined || now - this.#shadow.t >= SHADOW_MS)
      this.#shadow = { t: now, answer: this.#call({ do: 'shadow' }) as Promise<ShadowAnswer | undefined> };
    return this.#shadow.answer;
  }

  async fleet(): Promise<FleetAnswer | undefined> {
    return (await this.#call({ do: 'fleet' })) as FleetAnswer | undefined;
  }

  #call(call: Extract<FromHttp, { type: 'call' }>['call']): Promise<CallAnswer> {
    const id = this.#nextCall++;
    this.#post({ type: 'call', id, call });
    return new Promise((resolve) => this.#calls.set(id, resolve));
  }

  #show(moment: Moment): void {
    const { mirrors } = this.#plans.get(moment.plan)!;
    mirrors[moment.half]!.show(moment.scalars);
    for (const number of this.#plans.keys()) if (number < moment.plan) this.#plans.delete(number);
    this.#moment = moment;
    this.#standing = moment;
    this.#verdicts = undefined;
    this.#families = moment.families.map((frame) => ({ ...frame, rows: this.#rows.of(frame) }));
    this.#rows.endOfFrame();
    this.#wait?.resolve(moment.number);
    this.#wait = undefined;
  }

  #measured(): readonly Family[] {
    const { defect } = this.#moment!;
    if (defect !== '') throw new Error(defect);
    return this.#families;
  }

  #makeView(): AgentView {
    // Nothing is read before the first moment: `refresh` comes first.
    const now = () => this.#moment!;
    const planned = () => this.#plans.get(now().plan)!;
    const state = () => planned().mirrors[now().half]!.state;
    const history: HistoryView = {
      since: (t) => this.#ring.since(t),
      get changes() {
        return now().verdictChanges;
      },
      get blocked() {
        return now().blocked;
      },
    };
    return {
      version: this.#init.version,
      startedAt: this.#init.startedAt,
      now: () => now().t,
      wallOffsetMs: () => now().wallOffsetMs,
      plan: () => planned().plan,
      phase: () => this.#standing.phase,
      ready: () => ({ ready: this.#standing.ready, reason: this.#standing.reason }),
      lastReload: () => now().lastReload,
      release: () => now().release,
      nics: () => now().nics.map((nic, i) => ({ ...nic, ...judged(state(), i) })),
      cells: () => cells(state()),
      wanted: () => state().wanted,
      verdicts: () => (this.#verdicts ??= verdicts(state()).map((verdict) => this.#memory.explain(verdict))),
      why: (subject: Subject) => {
        const verdict = why(state(), subject);
        return verdict && this.#memory.explain(verdict);
      },
      history,
      pending: () => now().pending,
      collectors: () => now().collectors,
      findings: () => now().findings,
    };
  }
}

/** The names of a topology, which is all that reading needs of it: the targets are not copied. */
function namesOf({ nics, targets, rules }: Plan): Topology {
  return { nics: nics.map(judgeNic), realServers: targets, services: [], rules, intervalMs: 0, timeoutMs: 0, fall: 0, rise: 0 };
}
