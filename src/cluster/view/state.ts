/**
 * What stands in etcd of one cluster, at one revision, as values: the one reader of keys for status, barrier, budgets and peers.
 */
import { decodeEvidence, type Evidence } from '../evidence/evidence.ts';
import { type JsonKind, type KeyKind, parseKey, type ParsedKey, type ValueOf } from '../keys.ts';
import type { Fenced } from '../txn-plan.ts';
import { checkSize, readValue } from '../value-codec.ts';

/** A key below the cluster's prefix, with its revisions. */
export interface Item {
  readonly key: string;
  readonly value: Uint8Array;
  readonly create: number;
  readonly mod: number;
}

type Values<K extends JsonKind> = ReadonlyMap<string, Fenced<ValueOf<K>>>;

export interface ClusterState {
  /** By number, ring, server, id, root, server, number. */
  readonly release: Values<'release'>;
  readonly target: Values<'target'>;
  readonly roster: Values<'roster'>;
  readonly maintenance: Values<'maintenance'>;
  readonly member: Values<'member'>;
  readonly applied: Values<'applied'>;
  readonly poison: Values<'poison'>;
  readonly rollout: Values<'rollout'>;
  /** By budget. */
  readonly budgetRule: Values<'budgetRule'>;
  readonly budgetGate: Values<'budgetGate'>;
  /** By budget, then by server. */
  readonly budgetHolder: ReadonlyMap<string, Values<'budgetHolder'>>;
  readonly lead: Fenced<ValueOf<'lead'>> | undefined;
  /** By server. */
  readonly evidence: ReadonlyMap<string, Fenced<Evidence>>;
  /** Keys that are damaged or not known, each with what is wrong and what to do. */
  readonly problems: readonly string[];
}

/** Kinds whose values are kept by the first of their names. */
const BY_NAME = [
  'release',
  'target',
  'roster',
  'maintenance',
  'member',
  'applied',
  'poison',
  'rollout',
  'budgetRule',
  'budgetGate',
] as const satisfies readonly JsonKind[];

const isByName = (kind: KeyKind): kind is (typeof BY_NAME)[number] => (BY_NAME as readonly KeyKind[]).includes(kind);

interface Parsed extends ParsedKey {
  readonly held: Fenced<unknown>;
}

/** One key as a value, or what is wrong with it; undefined = a blob, which is no part of it. */
function parse({ key, value, create, mod }: Item): Parsed | string | undefined {
  const parsed = parseKey(key);
  if (parsed === undefined) return `${key.slice(0, 200)}: no key that this version of fourlane knows`;
  const { kind } = parsed;
  try {
    checkSize(kind, key, value.length);
    if (kind === 'blob') return undefined;
    const of = kind === 'evidence' ? decodeEvidence(key, value) : readValue(kind, key, value);
    return { ...parsed, held: { value: of, create, mod } };
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * A state that is followed: what changes is parsed, and nothing else is touched. What is damaged is reported and passed over:
 * one bad value must not hide the rest.
 */
export class StateReader {
  readonly #parsed = new Map<string, Parsed>();
  readonly #problems = new Map<string, string>();
  readonly #named: Readonly<Record<string, Map<string, Fenced<unknown>>>>;
  readonly #holders = new Map<string, Map<string, Fenced<ValueOf<'budgetHolder'>>>>();
  readonly #evidence = new Map<string, Fenced<Evidence>>();
  #lead: ClusterState['lead'];

  constructor() {
    this.#named = Object.fromEntries(BY_NAME.map((kind) => [kind, new Map<string, Fenced<unknown>>()]));
  }

  /** As it stands now; later changes do not touch it. */
  snapshot(): ClusterState {
    const { state } = this;
    const copies = BY_NAME.map((kind) => [kind, new Map<string, unknown>(state[kind])]);
    return {
      ...state,
      ...(Object.fromEntries(copies) as Pick<ClusterState, (typeof BY_NAME)[number]>),
      budgetHolder: new Map([...this.#holders].map(([budget, holders]) => [budget, new Map(holders)])),
      evidence: new Map(this.#evidence),
    };
  }

  /** As it stands now; its maps change with what is put and removed. */
  get state(): ClusterState {
    return {
      ...(this.#named as unknown as Pick<ClusterState, (typeof BY_NAME)[number]>),
      budgetHolder: this.#holders,
      lead: this.#lead,
      evidence: this.#evidence,
      problems: [...this.#problems.values()],
    };
  }

  /** A key is there with this value. What is damaged is a problem, and its former value is gone. */
  put(item: Item): void {
    this.remove(item.key);
    const parsed = parse(item);
    if (parsed === undefined) return;
    if (typeof parsed === 'string') {
      this.#problems.set(item.key, parsed);
      return;
    }
    this.#parsed.set(item.key, parsed);
    const { kind, names, held } = parsed;
    const [first = '', second = ''] = names;
    if (isByName(kind)) this.#named[kind]!.set(first, held);
    else if (kind === 'lead') this.#lead = held as ClusterState['lead'];
    else if (kind === 'evidence') this.#evidence.set(second, held as Fenced<Evidence>);
    else this.#holdersOf(first).set(second, held as Fenced<ValueOf<'budgetHolder'>>);
  }

  /** A key is gone. */
  remove(key: string): void {
    this.#problems.delete(key);
    const parsed = this.#parsed.get(key);
    if (parsed === undefined) return;
    this.#parsed.delete(key);
    const { kind, names } = parsed;
    const [first = '', second = ''] = names;
    if (isByName(kind)) this.#named[kind]!.delete(first);
    else if (kind === 'lead') this.#lead = undefined;
    else if (kind === 'evidence') this.#evidence.delete(second);
    else this.#holdersOf(first).delete(second);
  }

  #holdersOf(budget: string): Map<string, Fenced<ValueOf<'budgetHolder'>>> {
    const holders = this.#holders.get(budget) ?? new Map<string, Fenced<ValueOf<'budgetHolder'>>>();
    this.#holders.set(budget, holders);
    return holders;
  }
}

/** The values without their revisions. */
export function plain<T>(held: ReadonlyMap<string, Fenced<T>>): ReadonlyMap<string, T> {
  return new Map([...held].map(([name, { value }]) => [name, value]));
}
