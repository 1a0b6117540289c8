/**
 * Transitions of instances (or sync groups), each counted once, from two sources: the FIFO announces every one as it happens; a
 * dump shows the state and how often an instance became master. keepalived writes both from one thread, so a dump never knows
 * less than the lines read before it was asked for. What a dump knows more was missed on the FIFO (it was full, or there is none)
 * and is added.
 */
import { type Account, type AccountEvent, counted, newAccount, stepped } from './account.ts';
import type { Seen } from './between.ts';
import type { Entered, State } from '../../keepalived/state/notify.ts';

export interface Entry {
  /** undefined: it is no longer configured; its transitions remain counted. */
  readonly state: State | undefined;
  readonly transitions: Readonly<Record<Entered, number>>;
  /** Unix seconds, from the dump that came after it; undefined before. */
  readonly lastTransition: number | undefined;
}

export class Ledger {
  readonly #accounts = new Map<string, Account>();
  #begun = false;
  /** Transitions that only a dump showed. */
  missed = 0;

  /**
   * A line of the FIFO, see `announced`.
   * @returns whether it announces a transition; false: it repeats the state (`fifo_write_vrrp_states_on_reload`)
   */
  announce(name: string, state: Entered, mixed = false): boolean {
    const before = this.#accounts.get(name) ?? newAccount(this.#begun);
    const account = stepped(before, { is: 'announced', state, mixed });
    this.#accounts.set(name, account);
    return account.transitions !== before.transitions;
  }

  /** Another process of keepalived. */
  restart(): void {
    this.#begun = true;
    this.#all({ is: 'restarted' });
  }

  /** keepalived has ended, and everything it announced has been read. */
  end(): void {
    this.#all({ is: 'ended' });
  }

  /** A dump is about to be asked for. */
  mark(): void {
    this.#all({ is: 'dumpAsked' });
  }

  /** A dump. @param reloaded the configuration was loaded since the one before, which also changes `lastTransition` */
  reconcile(seen: readonly Seen[], reloaded: boolean): void {
    const names = new Set(seen.map((s) => s.name));
    for (const [name, account] of this.#accounts) {
      if (!names.has(name)) this.#accounts.set(name, stepped(account, { is: 'notShown' }));
    }
    for (const one of seen) {
      const known = this.#accounts.get(one.name);
      const before = known ?? newAccount(this.#begun);
      const account = stepped(before, { is: 'shown', seen: one, reloaded, first: !this.#begun && known === undefined });
      this.missed += counted(account) - counted(before);
      this.#accounts.set(one.name, account);
    }
    this.#begun = true;
  }

  /** By name. */
  entries(): ReadonlyMap<string, Entry> {
    const pairs = [...this.#accounts].map(([name, { state, present, transitions, lastTransition }]): [string, Entry] => {
      return [name, { state: present ? state : undefined, transitions, lastTransition }];
    });
    return new Map(pairs);
  }

  #all(event: AccountEvent): void {
    for (const [name, account] of this.#accounts) this.#accounts.set(name, stepped(account, event));
  }
}
