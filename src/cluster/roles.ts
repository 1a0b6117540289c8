/** Who may write what, as etcd's roles: from the table of keys. Reading is for everybody of the cluster. */
import { clusterPrefix, entryOf, KEY_KINDS, keyOf, type KeyKind } from './keys.ts';

/** A right on one key, or on all keys that begin with `key` when `prefix` is set. */
export interface Right {
  readonly permission: 'read' | 'readwrite';
  readonly key: string;
  readonly prefix: boolean;
}

/** What `fourlane cluster` must know of the cluster to give its servers their rights. */
export interface RoleScope {
  readonly cluster: string;
  readonly budgets: readonly string[];
  /** Shards of evidence; a server may move from one to another when the roster grows. */
  readonly evidenceShards: number;
}

const readAll = (cluster: string): Right => ({ permission: 'read', key: clusterPrefix(cluster), prefix: true });

/** Keys of a kind that a server may write; a prefix where all of a kind are any server's. */
function keysOf(kind: KeyKind, server: string, { budgets, evidenceShards }: RoleScope): readonly string[] {
  if (kind === 'evidence') return Array.from({ length: evidenceShards }, (_, shard) => keyOf(kind, shard, server));
  if (kind === 'budgetHolder') return budgets.map((budget) => keyOf(kind, budget, server));
  if (kind === 'budgetGate') return budgets.map((budget) => keyOf(kind, budget));
  return entryOf(kind).writers.includes('server') ? [keyOf(kind, server)] : [keyOf(kind)];
}

/** The rights of one server: exactly its own keys, and what any server writes. */
export function serverRights(server: string, scope: RoleScope): readonly Right[] {
  const own = KEY_KINDS.filter((kind) => !isForApiOnly(kind)).flatMap((kind) =>
    keysOf(kind, server, scope).map(
      (key): Right => ({
        permission: 'readwrite',
        key: clusterPrefix(scope.cluster) + key,
        prefix: key.endsWith('/'),
      }),
    ),
  );
  return [readAll(scope.cluster), ...own];
}

/** The rights of the API: whatever is not one server's own. */
export function apiRights(scope: Pick<RoleScope, 'cluster' | 'budgets'>): readonly Right[] {
  const prefix = clusterPrefix(scope.cluster);
  const own = KEY_KINDS.filter((kind) => entryOf(kind).writers.includes('api')).flatMap((kind): Right[] => {
    const inBudget = kind === 'budgetRule' || kind === 'budgetGate';
    const keys = inBudget ? scope.budgets.map((budget) => keyOf(kind, budget)) : [keyOf(kind)];
    return keys.map((key) => ({ permission: 'readwrite', key: prefix + key, prefix: key.endsWith('/') }));
  });
  return [readAll(scope.cluster), ...own];
}

function isForApiOnly(kind: KeyKind): boolean {
  const { writers } = entryOf(kind);
  return writers.length === 1 && writers[0] === 'api';
}
