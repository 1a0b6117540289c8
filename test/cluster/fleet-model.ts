/** Servers in memory that do what pointers ask, and a leader's surroundings: time passes, and servers act, when it waits. */
import type { Follow, View } from '../../src/cluster/api/follow.ts';
import { keyOf } from '../../src/cluster/keys.ts';
import type { LeadingParts } from '../../src/cluster/api/lead-rollout.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import { look, type MissingSince } from '../../src/cluster/roster/presence.ts';
import type { Applied } from '../../src/cluster/values.ts';
import { plain } from '../../src/cluster/view/state.ts';
import { MemoryStore } from './memory-store.ts';

export const AT = '2026-11-28T10:00:00Z';
export const calendar = { lastBefore: () => undefined };
const STEP_MS = 100;
const FOR_EVER_MS = 600_000;

export const appliedValue = (more: Partial<Applied>): Applied => ({
  release: 1,
  root: null,
  seen: 0,
  state: 'applied',
  running: null,
  prepared: null,
  lastGood: null,
  plan: null,
  error: null,
  attempt: 0,
  boot: 'b',
  version: '0.1.0',
  planHash: null,
  drift: { count: 0, samples: [] },
  ...more,
});

/** What a server makes of a root: a text refuses it. */
export type Refuses = (server: string, root: string) => string | undefined;

export class Fleet {
  now = 0;
  readonly store: MemoryStore;
  readonly refuses: Refuses;
  #since: MissingSince = new Map();

  constructor(store: MemoryStore, refuses: Refuses = () => undefined) {
    this.store = store;
    this.refuses = refuses;
  }

  /** Every server that is there does what its pointer asks. */
  act(): void {
    const { target, roster, member, applied } = this.store.state;
    for (const [server, { value }] of roster) {
      const pointer = target.get(value.ring);
      const own = applied.get(server)?.value;
      if (pointer === undefined || !member.has(server) || own?.seen === pointer.mod) continue;
      const { root, release, prepare } = pointer.value;
      const wanted = prepare?.root ?? root;
      const error = this.refuses(server, wanted) ?? null;
      const running = error !== null && prepare === undefined ? (own?.running ?? null) : root;
      const state = error === null ? (prepare === undefined ? 'applied' : 'prepared') : 'refused';
      this.store.put(
        'applied',
        [server],
        appliedValue({ release, root, seen: pointer.mod, state, running, error, prepared: wanted }),
      );
    }
  }

  view(): View {
    const { state, revision } = this.store;
    this.#since = look(state.roster.keys(), plain(state.member), this.#since, this.now);
    return { state, revision, looking: { now: Date.parse(AT), clock: this.now, since: this.#since, calendar } };
  }

  follow(): Pick<Follow, 'view' | 'next' | 'error'> {
    return {
      error: '',
      view: () => this.view(),
      next: () => {
        this.now += STEP_MS;
        this.act();
        return this.now > FOR_EVER_MS ? Promise.reject(new FourlaneError('INTERNAL', 'it waits for ever')) : Promise.resolve();
      },
    };
  }

  /** Leadership without a lease: the key is there until it is taken away. */
  lead(by: string): LeadingParts['lead'] {
    const { store } = this;
    let create: number | undefined;
    return {
      get create() {
        return create;
      },
      take: () => {
        if (store.items.has(keyOf('lead'))) return Promise.resolve();
        store.put('lead', [], { by, at: AT });
        create = store.revision;
        return Promise.resolve();
      },
      lost: () => {
        create = undefined;
      },
    };
  }
}
