/**
 * Every key of a cluster in etcd, once: where it is, what it holds, who writes it, and whether it lives by a lease. Code, roles
 * and docs/cluster.md derive from this table. One etcd may serve many clusters: all of one are below `/fourlane/<cluster>/`.
 */
import type { z } from 'zod';
import * as values from './values.ts';

/** `api`: whoever has the API's certificate. `server`: the server whose name ends the key. `servers`: any of them. */
export type Writer = 'api' | 'server' | 'servers';

interface KeyEntry {
  /** Parts in brackets are names. The last one of a key that `server` writes is that server. */
  readonly pattern: string;
  /** Left out = bytes with a codec of their own. */
  readonly value?: z.ZodType;
  readonly mostBytes: number;
  readonly writers: readonly Writer[];
  /** It goes when its writer's lease ends. */
  readonly leased?: true;
  /** What it is, for docs/cluster.md. */
  readonly about: string;
}

const KB = 1024;

export const KEYS = {
  blob: {
    pattern: 'blob/<hash>',
    mostBytes: 1024 * KB,
    writers: ['api'],
    about: 'a shard of services, or what they share; named by the hash of its content, compressed (zstd), never changed',
  },
  release: {
    pattern: 'release/<n>',
    value: values.release,
    mostBytes: 16 * KB,
    writers: ['api'],
    about: 'a configuration: the hashes of its blobs, who made it and why, perhaps a signature; created once',
  },
  target: {
    pattern: 'target/<ring>',
    value: values.target,
    mostBytes: 4 * KB,
    writers: ['api'],
    about: 'what the servers of a ring must run, and what they must prepare; changed by compare-and-swap only',
  },
  roster: {
    pattern: 'roster/<server>',
    value: values.roster,
    mostBytes: 4 * KB,
    writers: ['api'],
    about: 'a server that is expected, its ring, site, rack and uplink',
  },
  maintenance: {
    pattern: 'maintenance/<id>',
    value: values.maintenance,
    mostBytes: 4 * KB,
    writers: ['api'],
    about: 'a planned absence of a server, of one of its NICs or of a real server: who, why, until when or by which calendar',
  },
  member: {
    pattern: 'member/<server>',
    value: values.member,
    mostBytes: 8 * KB,
    writers: ['server'],
    leased: true,
    about: 'a server that is there',
  },
  applied: {
    pattern: 'applied/<server>',
    value: values.applied,
    mostBytes: 16 * KB,
    writers: ['server'],
    about: 'what a server runs, and how it fared with the release that it was given; outlives the server',
  },
  evidence: {
    pattern: 'evidence/<shard>/<server>',
    mostBytes: 128 * KB,
    writers: ['server'],
    leased: true,
    about: 'the real servers that a server finds bad: packed, see below',
  },
  budgetRule: {
    pattern: 'budget/<name>/rule',
    value: values.budgetRule,
    mostBytes: 4 * KB,
    writers: ['api'],
    about: 'how much may be gone at once, and where',
  },
  budgetGate: {
    pattern: 'budget/<name>/gate',
    value: values.budgetGate,
    mostBytes: 4 * KB,
    writers: ['api', 'servers'],
    about: 'rewritten by each grant, so that no two are made from the same count',
  },
  budgetHolder: {
    pattern: 'budget/<name>/holder/<server>',
    value: values.budgetHolder,
    mostBytes: 16 * KB,
    writers: ['server'],
    about: 'a server that may take itself or NICs of its own out of service; no lease, since a dead one has no capacity either',
  },
  poison: {
    pattern: 'poison/<root>',
    value: values.poison,
    mostBytes: 4 * KB,
    writers: ['api', 'servers'],
    about: 'a configuration that crashed a server: nobody tries it again',
  },
  rollout: {
    pattern: 'rollout/<n>',
    value: values.rollout,
    mostBytes: 128 * KB,
    writers: ['api'],
    about: 'the state of a staged rollout',
  },
  lead: {
    pattern: 'lead/rollout',
    value: values.lead,
    mostBytes: 4 * KB,
    writers: ['api'],
    leased: true,
    about: 'who leads the rollouts',
  },
} as const satisfies Readonly<Record<string, KeyEntry>>;

export type KeyKind = keyof typeof KEYS;
/** Kinds whose values are JSON. */
export type JsonKind = { [K in KeyKind]: (typeof KEYS)[K] extends { value: z.ZodType } ? K : never }[KeyKind];
export type ValueOf<K extends JsonKind> = z.output<(typeof KEYS)[K]['value']>;

export const KEY_KINDS = Object.keys(KEYS) as KeyKind[];

const isParameter = (part: string) => part.startsWith('<');

/** What the table says of a kind. */
export function entryOf(kind: KeyKind): KeyEntry {
  return KEYS[kind];
}

/** `/fourlane/<cluster>/`: before every key of the cluster. */
export function clusterPrefix(cluster: string): string {
  return `/fourlane/${encodeURIComponent(cluster)}/`;
}

/**
 * The key of these names, below the cluster's prefix: `keyOf('applied', 'lb-1')` is `applied/lb-1`. With fewer names than the
 * pattern has: the prefix of all keys that begin so, `keyOf('budgetHolder', 'nic')` is `budget/nic/holder/`.
 */
export function keyOf(kind: KeyKind, ...names: readonly (string | number)[]): string {
  const left = [...names];
  const made: string[] = [];
  for (const part of KEYS[kind].pattern.split('/')) {
    if (!isParameter(part)) made.push(part);
    else if (left.length > 0) made.push(encodeURIComponent(left.shift()!));
    else return `${made.join('/')}/`;
  }
  return made.join('/');
}

export interface ParsedKey {
  readonly kind: KeyKind;
  /** Its names, in the pattern's order. */
  readonly names: readonly string[];
}

const SPLIT = KEY_KINDS.map((kind) => ({ kind, parts: KEYS[kind].pattern.split('/') }));

/** What a key below the cluster's prefix is; undefined when it is none of the table. */
export function parseKey(key: string): ParsedKey | undefined {
  const found = key.split('/');
  const entry = SPLIT.find(
    ({ parts }) =>
      parts.length === found.length && parts.every((part, i) => (isParameter(part) ? found[i] !== '' : part === found[i])),
  );
  if (entry === undefined) return undefined;
  try {
    return { kind: entry.kind, names: found.filter((_, i) => isParameter(entry.parts[i]!)).map(decodeURIComponent) };
  } catch {
    return undefined;
  }
}
