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

/** Reads all keys. A damaged one is reported and passed over: one bad value must not hide the rest. */
export function readState(items: Iterable<Item>): ClusterState {
  return gather(items, parse);
}

type Known = Map<string, { readonly mod: number; readonly parsed: ReturnType<typeof parse> }>;

/** Reads again and again, and parses what has changed only. */
export class StateReader {
  #known: Known = new Map();

  read(items: Iterable<Item>): ClusterState {
    const next: Known = new Map();
    const state = gather(items, (item) => {
      const before = this.#known.get(item.key);
      const parsed = before?.mod === item.mod ? before.parsed : parse(item);
      next.set(item.key, { mod: item.mod, parsed });
      return parsed;
    });
    this.#known = next;
    return state;
  }
}

function gather(items: Iterable<Item>, parsedOf: typeof parse): ClusterState {
  const named = Object.fromEntries(BY_NAME.map((kind) => [kind, new Map<string, Fenced<unknown>>()]));
  const holders = new Map<string, Map<string, Fenced<ValueOf<'budgetHolder'>>>>();
  const evidence = new Map<string, Fenced<Evidence>>();
  let lead: ClusterState['lead'];
  const problems: string[] = [];
  for (const item of items) {
    const parsed = parsedOf(item);
    if (parsed === undefined) continue;
    if (typeof parsed === 'string') {
      problems.push(parsed);
      continue;
    }
    const { kind, names, held } = parsed;
    const [first = '', second = ''] = names;
    if (isByName(kind)) named[kind]!.set(first, held);
    else if (kind === 'lead') lead = held as typeof lead;
    else if (kind === 'evidence') evidence.set(second, held as Fenced<Evidence>);
    else holders.set(first, (holders.get(first) ?? new Map()).set(second, held as Fenced<ValueOf<'budgetHolder'>>));
  }
  return {
    ...(named as unknown as Pick<ClusterState, (typeof BY_NAME)[number]>),
    budgetHolder: holders,
    lead,
    evidence,
    problems,
  };
}

/** The values without their revisions. */
export function plain<T>(held: ReadonlyMap<string, Fenced<T>>): ReadonlyMap<string, T> {
  return new Map([...held].map(([name, { value }]) => [name, value]));
}
