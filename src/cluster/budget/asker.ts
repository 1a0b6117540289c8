/**
 * Asks the budgets for what a server wishes to take out of service, holds what was granted, gives it up when it is well again.
 * Decides on what is mirrored of etcd; only what would be granted is written, and fails when somebody else was granted something
 * meanwhile: then what the mirror shows next is decided on. Called again and again; a refusal costs nothing.
 */
import { type TxnPlan } from '../txn-plan.ts';
import type { BudgetRule } from '../values.ts';
import type { Store } from '../store/store.ts';
import type { ClusterState } from '../view/state.ts';
import { plain } from '../view/state.ts';
import { BUDGET_NAMES, type BudgetName, FIRST_RULES, type Wish } from './asks.ts';
import { acted, type BudgetView, decide, decideBlind, giveUp } from './budget.ts';

export interface AskerParts {
  readonly server: string;
  readonly boot: string;
  /** undefined: there is no etcd now. */
  readonly store: () => Pick<Store, 'commit'> | undefined;
  /** For people, ISO 8601. */
  readonly at: () => string;
  readonly log: (level: 'info' | 'warn', fields: object, message: string) => void;
}

export interface Asking {
  readonly wishes: readonly Wish[];
  /** Whether it is out of service. */
  readonly keeps: (budget: BudgetName, subject: string) => boolean;
  /** False: too little is known yet to give anything up. */
  readonly settled: boolean;
  /** What stands in etcd; undefined = etcd does not answer. */
  readonly known: (Pick<BudgetView, 'gone' | 'announcing'> & { readonly state: BudgetState }) | undefined;
}

type BudgetState = Pick<ClusterState, 'roster' | 'budgetRule' | 'budgetGate' | 'budgetHolder'>;

/** Of one budget, for people and metrics. */
export interface BudgetShown {
  readonly budget: BudgetName;
  /** Subjects that may be, or are, out of service. */
  readonly held: readonly string[];
  /** What is wished and not held, with the reason. */
  readonly denied: readonly { readonly subject: string; readonly text: string }[];
}

const key = (budget: BudgetName, subject: string) => `${budget} ${subject}`;

export class BudgetAsker {
  readonly #p: AskerParts;
  readonly #rules = new Map<BudgetName, BudgetRule>();
  readonly #blind = new Set<string>();
  readonly #denied = new Map<string, Wish & { readonly text: string }>();
  #held = new Map<BudgetName, ReadonlySet<string>>();
  #busy = false;
  #error = '';
  /** Refusals of a wish, each counted once while it lasts. */
  refusals = 0;

  constructor(parts: AskerParts) {
    this.#p = parts;
  }

  /** Whether this may be taken out of service. */
  isGranted(budget: BudgetName, subject: string): boolean {
    return (this.#held.get(budget)?.has(subject) ?? false) || this.#blind.has(key(budget, subject));
  }

  get shown(): readonly BudgetShown[] {
    const denied = [...this.#denied.values()];
    return BUDGET_NAMES.map((budget) => ({
      budget,
      held: [...new Set([...(this.#held.get(budget) ?? []), ...this.#ownBlind(budget)])],
      denied: denied.filter((each) => each.budget === budget),
    }));
  }

  /** Why the last transaction failed; '' = it did not. */
  get error(): string {
    return this.#error;
  }

  /** Does what is to be done now: at most one transaction at a time. */
  turn(asking: Asking): void {
    const { wishes, known, keeps } = asking;
    const wished = new Set(wishes.map(({ budget, subject }) => key(budget, subject)));
    for (const each of this.#blind) if (!wished.has(each) && !keeps(...split(each))) this.#blind.delete(each);
    for (const each of this.#denied.keys()) if (!wished.has(each)) this.#denied.delete(each);
    if (known === undefined) {
      for (const wish of wishes) if (!this.isGranted(wish.budget, wish.subject)) this.#decideBlind(wish);
      return;
    }
    this.#read(known.state);
    if (this.#busy) return;
    const txn = this.#next(asking, known);
    if (txn !== undefined) void this.#commit(txn);
  }

  #read(state: BudgetState): void {
    for (const budget of BUDGET_NAMES) {
      const rule = state.budgetRule.get(budget)?.value;
      if (rule !== undefined) this.#rules.set(budget, rule);
      const own = state.budgetHolder.get(budget)?.get(this.#p.server);
      this.#held.set(budget, new Set(own?.value.subjects));
    }
  }

  #next({ wishes, keeps, settled }: Asking, known: NonNullable<Asking['known']>): TxnPlan | undefined {
    const { state } = known;
    const { server, boot, at } = this.#p;
    for (const wish of wishes) {
      const { budget, subject } = wish;
      if (this.#held.get(budget)!.has(subject)) {
        this.#denied.delete(key(budget, subject));
        continue;
      }
      const rule = state.budgetRule.get(budget) ?? { value: FIRST_RULES[budget], mod: 0 };
      const holders = state.budgetHolder.get(budget) ?? new Map();
      const gate = state.budgetGate.get(budget)?.mod ?? 0;
      const view = { ...known, rule, gate, holders, roster: plain(state.roster) };
      const decision = decide({ ...wish, server, boot, at: at() }, view);
      if (decision.granted) return decision.txn;
      this.#refuse(wish, decision.text);
    }
    for (const budget of BUDGET_NAMES) {
      const own = state.budgetHolder.get(budget)?.get(server);
      if (own === undefined) continue;
      const isWished = (subject: string) => wishes.some((wish) => wish.budget === budget && wish.subject === subject);
      const left = own.value.subjects.find((subject) => !isWished(subject) && !keeps(budget, subject));
      if (left !== undefined && settled) return giveUp(budget, server, left, own);
      if (own.value.state === 'asked' && own.value.subjects.some((subject) => keeps(budget, subject)))
        return acted(budget, server, own);
    }
    return undefined;
  }

  #decideBlind(wish: Wish): void {
    const { budget, subject, lost } = wish;
    if (lost === true) return;
    const taken = [...this.#ownBlind(budget)].length;
    const { granted, text } = decideBlind(this.#rules.get(budget) ?? FIRST_RULES[budget], taken);
    if (!granted) return this.#refuse(wish, `budget "${budget}": ${text}`);
    this.#blind.add(key(budget, subject));
    this.#denied.delete(key(budget, subject));
    this.#p.log('warn', { budget, subject }, `taken out of service without etcd: ${text}`);
  }

  #refuse(wish: Wish, text: string): void {
    const name = key(wish.budget, wish.subject);
    const before = this.#denied.get(name);
    this.#denied.set(name, { ...wish, text });
    if (before?.text === text) return;
    if (before === undefined) this.refusals++;
    this.#p.log('warn', { budget: wish.budget, subject: wish.subject }, `not taken out of service: ${text}`);
  }

  *#ownBlind(budget: BudgetName): Iterable<string> {
    for (const each of this.#blind) if (split(each)[0] === budget) yield split(each)[1];
  }

  /** Never rejects. What came of it is read in the mirror. */
  async #commit(txn: TxnPlan): Promise<void> {
    this.#busy = true;
    try {
      const done = (await this.#p.store()?.commit(txn))?.done ?? false;
      if (done) this.#p.log('info', { keys: txn.writes.map((write) => write.key) }, 'budget written');
      this.#error = '';
    } catch (error) {
      this.#error = (error as Error).message;
    }
    this.#busy = false;
  }
}

function split(name: string): [BudgetName, string] {
  const at = name.indexOf(' ');
  return [name.slice(0, at) as BudgetName, name.slice(at + 1)];
}
