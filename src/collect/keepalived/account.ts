/**
 * What is known of one instance (or sync group) of keepalived, and how often it entered each state. Pure: `stepped` takes an
 * account and what was announced, shown or seen to end, and returns the account that follows.
 */
import { between, type Known, type Seen } from './between.ts';
import { ENTERED, type Entered, type State } from '../../keepalived/state/notify.ts';

export interface Account extends Known {
  /** Whether it is configured, as far as is known. */
  readonly present: boolean;
  readonly transitions: Readonly<Record<Entered, number>>;
  /** Unix seconds, from the dump that came after it; undefined before. */
  readonly lastTransition: number | undefined;
  /** A line about it came after the last dump was asked for. */
  readonly touched: boolean;
}

export type AccountEvent =
  /** A line of the FIFO. `mixed`: it was read as another process of keepalived was first seen, and may be the former one's. */
  | { readonly is: 'announced'; readonly state: Entered; readonly mixed: boolean }
  /** Another process of keepalived: it starts again, without anything having been announced. */
  | { readonly is: 'restarted' }
  /** keepalived has ended, and everything it announced has been read. */
  | { readonly is: 'ended' }
  /** A dump is about to be asked for: what is announced from here on may be older or newer than it. */
  | { readonly is: 'dumpAsked' }
  /**
   * A dump shows it. `reloaded`: the configuration was loaded since the dump before. `first`: nothing was known of it before that
   * dump.
   */
  | { readonly is: 'shown'; readonly seen: Seen; readonly reloaded: boolean; readonly first: boolean }
  /** A dump does not have it. */
  | { readonly is: 'notShown' };

/** What is known of one that has not begun. */
const NOT_BEGUN = { state: 'init', masters: 0, shown: undefined, announced: false, unsure: false } as const;

/** A new one. @param begun keepalived has been watched since before it appeared, so it has never been master */
export function newAccount(begun: boolean): Account {
  const transitions = Object.fromEntries(ENTERED.map((e) => [e, 0])) as Record<Entered, number>;
  const known = begun ? NOT_BEGUN : { ...NOT_BEGUN, masters: undefined };
  return { ...known, present: true, transitions, lastTransition: undefined, touched: false };
}

/** The account after an event. */
export function stepped(account: Account, event: AccountEvent): Account {
  switch (event.is) {
    case 'announced':
      return announced(account, event.state, event.mixed);
    case 'restarted':
      return { ...account, ...NOT_BEGUN };
    case 'ended':
      return account.present ? { ...account, state: 'stop' } : account;
    case 'dumpAsked':
      return { ...account, touched: false };
    case 'shown':
      // What a line announced since the dump was asked for may be newer: the next dump decides.
      return account.touched ? account : shown(account, event);
    case 'notShown':
      return account.touched ? account : { ...account, ...NOT_BEGUN, present: false };
  }
}

/** Transitions counted so far, of any state. */
export function counted({ transitions }: Account): number {
  return Object.values(transitions).reduce((a, b) => a + b, 0);
}

function announced(before: Account, state: Entered, mixed: boolean): Account {
  const account = { ...before, touched: true, announced: true, present: true, unsure: mixed };
  const next: State = state === 'deleted' ? 'stop' : state;
  const repeats = before.state === next && !mixed && !before.unsure;
  if (next === 'master') {
    // Also announced when it takes its addresses again; whether keepalived counts that, the next dump shows.
    if (repeats) return { ...account, masters: undefined };
    if (before.masters !== undefined) return enter({ ...account, masters: before.masters + 1 }, next, state);
  }
  return repeats ? account : enter(account, next, state);
}

function shown(account: Account, { seen, reloaded, first }: Extract<AccountEvent, { is: 'shown' }>): Account {
  // What was before the first look is not ours to count.
  const settled = first ? { ...account, lastTransition: seen.lastTransition } : settle(account, seen, reloaded);
  return {
    ...settled,
    state: seen.state,
    present: true,
    masters: seen.masters,
    shown: seen.lastTransition,
    announced: false,
    unsure: false,
  };
}

/** Counts what `seen` proves beyond what was counted: the fewest transitions that lead there. */
function settle(account: Account, seen: Seen, reloaded: boolean): Account {
  const missed = between(account, seen, reloaded);
  const isNew = missed.length > 0 || account.shown === undefined;
  const known = isNew ? { ...account, lastTransition: seen.lastTransition } : account;
  return missed.reduce((now, state) => enter(now, state, state), known);
}

function enter(account: Account, state: State, as: Entered): Account {
  const transitions = { ...account.transitions, [as]: account.transitions[as] + 1 };
  return { ...account, transitions, state, shown: undefined };
}
