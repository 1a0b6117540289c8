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

/** Reads all keys. A damaged one is reported and passed over: one bad value must not hide the rest. */
export function readState(items: Iterable<Item>): ClusterState {
  const named = Object.fromEntries(BY_NAME.map((kind) => [kind, new Map<string, Fenced<unknown>>()]));
  const holders = new Map<string, Map<string, Fenced<ValueOf<'budgetHolder'>>>>();
  const evidence = new Map<string, Fenced<Evidence>>();
  let lead: ClusterState['lead'];
  const problems: string[] = [];
  const put = ({ kind, names }: ParsedKey, { key, value, create, mod }: Item): void => {
    const held = <T>(of: T): Fenced<T> => ({ value: of, create, mod });
    const [first = '', second = ''] = names;
    if (kind === 'blob') return checkSize(kind, key, value.length);
    if (isByName(kind)) return void named[kind]!.set(first, held(readValue(kind, key, value)));
    if (kind === 'lead') lead = held(readValue(kind, key, value));
    else if (kind === 'evidence') evidence.set(second, held(decodeEvidence(key, value)));
    else holders.set(first, (holders.get(first) ?? new Map()).set(second, held(readValue('budgetHolder', key, value))));
  };
  for (const item of items) {
    const parsed = parseKey(item.key);
    if (parsed === undefined) {
      problems.push(`${item.key.slice(0, 200)}: no key that this version of fourlane knows`);
      continue;
    }
    try {
      put(parsed, item);
    } catch (error) {
      problems.push((error as Error).message);
    }
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
