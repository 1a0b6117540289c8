/**
 * Transitions of instances (or sync groups), each counted once, from two sources: the FIFO announces every one as it happens; a
 * dump shows the state and how often an instance became master. keepalived writes both from one thread, so a dump never knows
 * less than the lines read before it was asked for. What a dump knows more was missed on the FIFO (it was full, or there is none)
 * and is added.
 */
import { ENTERED, type Entered, type State } from './notify.ts';

/** What a dump shows of an instance; of a group only the state. */
export interface Seen {
  readonly name: string;
  readonly state: State;
  /** Times it became master since its process started. */
  readonly masters?: number;
  /** Unix seconds. */
  readonly lastTransition?: number;
  /** Priority 255: its addresses are the interface's own. */
  readonly owner?: boolean;
}

export interface Entry {
  /** undefined: it is no longer configured; its transitions remain counted. */
  readonly state: State | undefined;
  readonly transitions: Readonly<Record<Entered, number>>;
  /** Unix seconds, from the dump that came after it; undefined before. */
  readonly lastTransition: number | undefined;
}

interface Account {
  state: State;
  /** Whether it is configured, as far as is known. */
  present: boolean;
  readonly transitions: Record<Entered, number>;
  /** Times it became master, as keepalived must have counted by now; undefined = not known. */
  masters: number | undefined;
  /** As the last dump showed it; undefined = something has been counted since. */
  shown: number | undefined;
  lastTransition: number | undefined;
  /** A line about it came after `mark`. */
  touched: boolean;
  /** A line about it came after the last dump: which of them a dump's transitions lie between is not known. */
  announced: boolean;
  /** The state may be the one that a former process ended in: the same once more is entered again. */
  unsure: boolean;
}

/** What is known of one that has not begun. */
const ANEW = { state: 'init', masters: 0, shown: undefined, announced: false, unsure: false } as const;

export class Ledger {
  readonly #accounts = new Map<string, Account>();
  #begun = false;
  /** Transitions that only a dump showed. */
  missed = 0;

  /**
   * A line of the FIFO. `mixed`: it was read as another process of keepalived was first seen, and may be the former one's.
   * @returns whether it announces a transition; false: it repeats the state (`fifo_write_vrrp_states_on_reload`)
   */
  announce(name: string, state: Entered, mixed = false): boolean {
    const account = this.#accounts.get(name) ?? this.#add(name);
    account.touched = account.announced = account.present = true;
    const next: State = state === 'deleted' ? 'stop' : state;
    const again = mixed || account.unsure;
    account.unsure = mixed;
    if (account.state === next && !again) {
      // Also announced when it takes its addresses again; whether keepalived counts that, the next dump shows.
      if (next === 'master') account.masters = undefined;
      return false;
    }
    if (next === 'master' && account.masters !== undefined) account.masters++;
    enter(account, next, state);
    return true;
  }

  /** Another process of keepalived: all instances start again, without anything having been announced. */
  restart(): void {
    this.#begun = true;
    for (const account of this.#accounts.values()) Object.assign(account, ANEW);
  }

  /** keepalived has ended, and everything it announced has been read. */
  end(): void {
    for (const account of this.#accounts.values()) if (account.present) account.state = 'stop';
  }

  /** A dump is about to be asked for: what is announced from here on may be older or newer than it. */
  mark(): void {
    for (const account of this.#accounts.values()) account.touched = false;
  }

  /**
   * A dump. `reloaded`: the configuration has been loaded since the one before, which also changes `lastTransition`. Instances
   * that a line came about since `mark` are left for the next dump.
   */
  reconcile(seen: readonly Seen[], reloaded: boolean): void {
    const names = new Set(seen.map((s) => s.name));
    for (const [name, account] of this.#accounts) {
      if (!names.has(name) && !account.touched) Object.assign(account, { ...ANEW, present: false });
    }
    for (const s of seen) {
      const known = this.#accounts.get(s.name);
      if (known?.touched === true) continue;
      const account = known ?? this.#add(s.name);
      if (!this.#begun && known === undefined) {
        // What was before the first look is not ours to count.
        Object.assign(account, { state: s.state, lastTransition: s.lastTransition });
      } else {
        this.#settle(account, s, reloaded);
      }
      account.present = true;
      account.masters = s.masters;
      account.shown = s.lastTransition;
      account.announced = account.unsure = false;
    }
    this.#begun = true;
  }

  /** By name, as copies. */
  entries(): ReadonlyMap<string, Entry> {
    const pairs = [...this.#accounts].map(([name, { state, present, transitions, lastTransition }]): [string, Entry] => {
      return [name, { state: present ? state : undefined, transitions: { ...transitions }, lastTransition }];
    });
    return new Map(pairs);
  }

  /** Counts what `seen` proves beyond what was counted: the fewest transitions that lead there. */
  #settle(account: Account, seen: Seen, reloaded: boolean): void {
    const missed = between(account, seen, reloaded);
    if (missed.length > 0 || account.shown === undefined) account.lastTransition = seen.lastTransition;
    for (const state of missed) enter(account, state, state);
    this.missed += missed.length;
    account.state = seen.state;
  }

  #add(name: string): Account {
    const transitions = Object.fromEntries(ENTERED.map((e) => [e, 0])) as Record<Entered, number>;
    const account: Account = {
      ...ANEW,
      ...(this.#begun ? {} : { masters: undefined }),
      present: true,
      transitions,
      lastTransition: undefined,
      touched: false,
    };
    this.#accounts.set(name, account);
    return account;
  }
}

function enter(account: Account, state: State, counted: Entered): void {
  account.transitions[counted]++;
  account.state = state;
  account.shown = undefined;
}

/** The states entered, at least, from what is known to what is seen. */
function between(known: Account, seen: Seen, reloaded: boolean): readonly ('master' | 'backup' | 'fault')[] {
  const { state } = seen;
  if (state === 'init' || state === 'stop') return [];
  // Fewer than known: the statistics were cleared, or the process is another one since.
  const became = Math.max(0, (seen.masters ?? 0) - (known.masters ?? seen.masters ?? 0));
  if (became > 0) {
    // Before it becomes master again it is backup; only the owner of an address may go there from FAULT at once.
    const others = known.announced || seen.owner === true ? 0 : became - (known.state === 'master' ? 0 : 1);
    const entered = [...Array<'backup'>(others).fill('backup'), ...Array<'master'>(became).fill('master')];
    return state === 'master' || (known.announced && state === known.state) ? entered : [...entered, state];
  }
  // An instance waits in FAULT for its track scripts' first results without announcing it.
  if (state !== known.state) return (known.state === 'init' || known.unsure) && state === 'fault' ? [] : [state];
  const moved = known.shown !== undefined && seen.lastTransition !== known.shown;
  if (!moved || reloaded || state === 'master') return [];
  return [state === 'backup' ? 'fault' : 'backup', state];
}
