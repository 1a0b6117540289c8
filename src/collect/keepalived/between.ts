/**
 * The transitions that a dump proves: the fewest that lead from what is known of an instance to what the dump shows. Pure. Each
 * row of the table is one proof; the first that applies decides.
 */
import type { State } from '../../keepalived/state/notify.ts';

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

/** What is known of an instance before a dump. */
export interface Known {
  readonly state: State;
  /** Times it became master, as keepalived must have counted by now; undefined = not known. */
  readonly masters: number | undefined;
  /** Time of the last transition as the last dump showed it; undefined = something has been counted since. */
  readonly shown: number | undefined;
  /** A line about it came after the last dump: which of them a dump's transitions lie between is not known. */
  readonly announced: boolean;
  /** The state may be the one that a former process ended in: the same state once more is a transition. */
  readonly unsure: boolean;
}

/** The states that a dump can prove to have been entered. */
type Proven = 'master' | 'backup' | 'fault';

interface Case {
  readonly known: Known;
  readonly seen: Seen;
  /** Times it became master since. */
  readonly became: number;
  readonly isOther: boolean;
  /** The time of the last transition is another one, and no reload has changed it. */
  readonly moved: boolean;
}

interface Proof {
  readonly name: string;
  readonly applies: (c: Case) => boolean;
  readonly entered: (c: Case) => readonly State[];
}

const starting = (state: State) => state === 'init' || state === 'stop';

const PROOFS: readonly Proof[] = [
  {
    name: 'nothing is entered before the start or after the end',
    applies: ({ seen }) => starting(seen.state),
    entered: () => [],
  },
  { name: 'it became master', applies: ({ became }) => became > 0, entered: throughMaster },
  {
    name: 'it waits in FAULT for the first results of its track scripts, without announcing it',
    applies: ({ known, seen, isOther }) => isOther && seen.state === 'fault' && (known.state === 'init' || known.unsure),
    entered: () => [],
  },
  { name: 'it is in another state', applies: ({ isOther }) => isOther, entered: ({ seen }) => [seen.state] },
  // Of master the number of times is known: it has not come back to it.
  {
    name: 'it left its state and came back',
    applies: ({ seen, moved }) => moved && seen.state !== 'master',
    entered: ({ seen }) => [seen.state === 'backup' ? 'fault' : 'backup', seen.state],
  },
  { name: 'nothing happened', applies: () => true, entered: () => [] },
];

/** The states entered, at least, in their order. @param reloaded the configuration was loaded since the last dump */
export function between(known: Known, seen: Seen, reloaded: boolean): readonly Proven[] {
  const { masters = 0, state, lastTransition } = seen;
  const given: Case = {
    known,
    seen,
    // Fewer than known: the statistics were cleared, or the process is another one since.
    became: Math.max(0, masters - (known.masters ?? masters)),
    isOther: state !== known.state,
    moved: known.shown !== undefined && lastTransition !== known.shown && !reloaded,
  };
  return PROOFS.find((proof) => proof.applies(given))!.entered(given) as readonly Proven[];
}

/** Before it becomes master again it is backup; only the owner of an address may become master from FAULT at once. */
function throughMaster({ known, seen, became }: Case): readonly State[] {
  const isFromMaster = known.state === 'master';
  // Between lines, which states lie between is not known.
  const backups = known.announced || seen.owner === true ? 0 : became - (isFromMaster ? 0 : 1);
  const entered = [...Array<'backup'>(backups).fill('backup'), ...Array<'master'>(became).fill('master')];
  const endsThere = seen.state === 'master' || (known.announced && seen.state === known.state);
  return endsThere ? entered : [...entered, seen.state];
}
