/**
 * A transaction as data: what must still be so, and what is then written. Keys are below the cluster's prefix. Who decides makes
 * one; the transport carries it out, and knows no more than that.
 */
import { type JsonKind, keyOf, type ValueOf } from './keys.ts';

/** `mod` and `create` are revisions; 0 = the key does not exist. */
export type Compare = { readonly key: string; readonly mod: number } | { readonly key: string; readonly create: number };

export interface Put<K extends JsonKind = JsonKind> {
  readonly op: 'put';
  readonly kind: K;
  readonly key: string;
  readonly value: ValueOf<K>;
  /** It goes with the writer's lease. */
  readonly leased?: true;
}

export interface Delete {
  readonly op: 'delete';
  readonly key: string;
}

export type Write = { [K in JsonKind]: Put<K> }[JsonKind] | Delete;

export interface TxnPlan {
  readonly compare: readonly Compare[];
  /** At most 128 for etcd. */
  readonly writes: readonly Write[];
}

/** A value with the revision at which it was written last. */
export interface Held<T> {
  readonly value: T;
  readonly mod: number;
}

/** The same with the revision at which its key came to be: the fence of whoever holds it, as long as he does. */
export interface Fenced<T> extends Held<T> {
  readonly create: number;
}

/** A put of a value at the key of these names. */
export function put<K extends JsonKind>(kind: K, names: readonly (string | number)[], value: ValueOf<K>): Write {
  return { op: 'put', kind, key: keyOf(kind, ...names), value } as Put<K> as Write;
}
