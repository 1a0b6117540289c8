/**
 * What a server follows of the others, change by change: a change of one server's evidence must not have a thousand others
 * parsed, counted and sorted again.
 */
import { shardsOf } from '../evidence/witnesses.ts';
import type { Joined } from '../agent/agent.ts';
import type { Change } from '../mirror/changes.ts';
import type { Member } from '../values.ts';
import { type ClusterState, plain, StateReader } from '../view/state.ts';
import { shardMates } from '../view/status.ts';

/** Which of the ranges of `watchedBy` is read for what. */
const RANGES = {
  roster: ['roster'],
  member: ['member'],
  maintenance: ['maintenance'],
  budget: ['budgetRule', 'budgetGate', 'budgetHolder'],
  evidence: ['evidence'],
} as const satisfies Readonly<Record<string, readonly (keyof ClusterState)[]>>;
type Range = keyof typeof RANGES;
const NAMES = Object.keys(RANGES) as readonly Range[];

export interface Followed extends Pick<ClusterState, (typeof RANGES)[Range][number]> {
  readonly members: ReadonlyMap<string, Member>;
  /** The shard of evidence that the server belongs to; undefined = it is in no roster. */
  readonly shard: number | undefined;
  /** The others of its shard. */
  readonly mates: readonly string[];
}

export class FollowedState {
  readonly #joined: Pick<Joined, 'names' | 'items'>;
  readonly #prefix: string;
  readonly #server: string;
  readonly #readers = new Map<Range, StateReader>();
  readonly #stale = new Set<Range>(NAMES);
  #state: Partial<Followed> = {};

  constructor(joined: Pick<Joined, 'names' | 'items'>, prefix: string, server: string) {
    this.#joined = joined;
    this.#prefix = prefix;
    this.#server = server;
  }

  /** Keys of this range have changed. */
  changed(range: number, changes: readonly Change[]): void {
    const name = this.#joined.names[range] as Range;
    if (!(name in RANGES)) return;
    this.#stale.add(name);
    const reader = this.#readers.get(name);
    for (const { key, value, created, modified } of reader === undefined ? [] : changes) {
      const own = key.slice(this.#prefix.length);
      if (value === undefined) reader!.remove(own);
      else reader!.put({ key: own, value, create: created, mod: modified });
    }
  }

  /** What stands there now. */
  read(): Followed {
    for (const name of this.#stale) this.#state = { ...this.#state, ...this.#read(name) };
    this.#stale.clear();
    return this.#state as Followed;
  }

  #read(name: Range): Partial<Followed> {
    const { state } = this.#readers.get(name) ?? this.#first(name);
    const own = Object.fromEntries(RANGES[name].map((kind) => [kind, state[kind]]));
    if (name === 'member') return { ...own, members: plain(state.member) };
    if (name !== 'roster') return own;
    return { ...own, shard: shardsOf(state.roster.keys()).get(this.#server), mates: shardMates(state, this.#server) };
  }

  /** All that is mirrored of a range; from then on its changes are followed. */
  #first(name: Range): StateReader {
    const reader = new StateReader();
    this.#readers.set(name, reader);
    for (const [key, { value, created, modified }] of this.#joined.items(this.#joined.names.indexOf(name)))
      reader.put({ key: key.slice(this.#prefix.length), value, create: created, mod: modified });
    return reader;
  }
}
