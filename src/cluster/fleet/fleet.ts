/**
 * A server among the others: it says what it finds, hears what they find, and asks the budgets before it takes anything out of
 * service. Called every half second; it decides on what is mirrored of etcd and waits for nothing.
 */
import type { AgentVerdict } from '../../model/verdict.ts';
import { BudgetAsker, type BudgetShown } from '../budget/asker.ts';
import { type BudgetName, type Wish, wishesOf } from '../budget/asks.ts';
import { rootPrefix } from '../evidence/evidence.ts';
import type { RootLists } from '../evidence/lists.ts';
import { Speaker } from '../evidence/speaker.ts';
import type { Testimony } from '../evidence/witnesses.ts';
import { clusterPrefix, keyOf } from '../keys.ts';
import type { Joined } from '../agent/agent.ts';
import type { Change } from '../mirror/changes.ts';
import { type ActiveMaintenance, activeAt, type CronCalendar, excusedBy, maintenanceText } from '../roster/maintenance.ts';
import { look, type MissingSince, presenceOf } from '../roster/presence.ts';
import { EtcdStore } from '../store/etcd-store.ts';
import { FleetWord } from '../view/fleet-word.ts';
import { plain } from '../view/state.ts';
import { FollowedState, type Followed } from './followed-state.ts';

export interface FleetParts {
  readonly cluster: string;
  readonly server: string;
  /** Of this process. */
  readonly boot: string;
  /** How often the agent has started. */
  readonly epoch: number;
  readonly lists: RootLists;
  readonly calendar: CronCalendar;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** ms since 1970. */
  readonly wall: () => number;
  readonly log: (level: 'info' | 'warn', fields: object, message: string) => void;
}

/** What this server finds, at one moment. */
export interface Found {
  /** What runs; undefined = no release does, and nothing is said. */
  readonly root: string | undefined;
  readonly frozen: '' | AgentVerdict;
  /** It does not see enough of the real servers to speak of them. */
  readonly blind: boolean;
  /** Real servers that are bad here: ascending indices of the list of `root`. */
  readonly bad: () => readonly number[];
  /** NICs that only the missing permit holds back. */
  readonly waiting: Iterable<string>;
  /** Whether it is out of service: it is not given up. */
  readonly keeps: (budget: BudgetName, subject: string) => boolean;
  /** False: too little is known yet to give anything up. */
  readonly settled: boolean;
}

/** Planned absences that have a series. */
const MOST_PLANNED = 200;

export class Fleet {
  readonly #p: FleetParts;
  readonly #prefix: string;
  readonly #speaker = new Speaker();
  readonly #word: FleetWord;
  readonly #asker: BudgetAsker;
  #joined: Joined | undefined;
  #store: EtcdStore | undefined;
  #followed: FollowedState | undefined;
  #since: MissingSince = new Map();
  #active: readonly ActiveMaintenance[] = [];
  /** This server, and those of its shard. */
  #near: ReadonlySet<string> = new Set();
  #bad = 0;
  #witnesses = 0;

  constructor(parts: FleetParts) {
    const { cluster, server, boot, lists, wall, log } = parts;
    this.#p = parts;
    this.#prefix = clusterPrefix(cluster);
    this.#word = new FleetWord(server, (prefix) => lists.of(prefix));
    const at = () => new Date(wall()).toISOString();
    this.#asker = new BudgetAsker({ server, boot, at, log, store: () => this.#store });
  }

  /** From now on etcd is reached so; undefined = not any more. */
  join(joined: Joined | undefined): void {
    this.#joined = joined;
    this.#store = joined && new EtcdStore(joined, this.#prefix);
    this.#followed = joined && new FollowedState(joined, this.#prefix, this.#p.server);
    this.#speaker.again();
  }

  /** Keys of this range have changed. */
  changed(range: number, changes: readonly Change[]): void {
    this.#followed?.changed(range, changes);
  }

  /** The shard of evidence that this server belongs to; undefined = it is in no roster that is known. */
  get shard(): number | undefined {
    return this.#known?.shard;
  }

  isGranted(budget: BudgetName, subject: string): boolean {
    return this.#asker.isGranted(budget, subject);
  }

  /** Since when servers are missing, as far as this one has followed it. */
  get missing(): MissingSince {
    return this.#since;
  }

  get shown(): FleetShown {
    const { refusals, error } = this.#asker;
    return {
      budgets: this.#asker.shown,
      refusals,
      error,
      written: this.#speaker.writes,
      bad: this.#bad,
      witnesses: this.#witnesses,
      planned: this.#planned(),
    };
  }

  /**
   * Says, hears and asks. @returns what the others find, in indices of the list of `root`; undefined = nothing is known
   */
  turn(found: Found): Testimony | undefined {
    const { root, frozen } = found;
    const { keeps, settled } = found;
    const wishes = wishesOf(frozen, found.waiting);
    const state = this.#known;
    if (state === undefined) {
      this.#witnesses = 0;
      this.#asker.turn({ wishes, keeps, settled, known: undefined });
      return undefined;
    }
    this.#ask(state, wishes, found);
    const heard = root === undefined ? undefined : this.#word.testimony(state, state.mates, root);
    this.#witnesses = heard?.witnesses ?? 0;
    if (root !== undefined) this.#say(root, found);
    return heard;
  }

  /** What stands in etcd; undefined while it is not followed. */
  get #known(): Followed | undefined {
    return this.#joined?.staleSince === undefined ? this.#followed?.read() : undefined;
  }

  #ask(state: Followed, wishes: readonly Wish[], { keeps, settled }: Found): void {
    const { clock, wall, calendar, server } = this.#p;
    const { members } = state;
    this.#near = new Set([server, ...state.mates]);
    this.#since = look(state.roster.keys(), members, this.#since, clock());
    this.#active = activeAt(plain(state.maintenance), wall(), calendar);
    const { servers } = excusedBy(this.#active);
    const gone = (server: string): string | undefined => {
      const planned = servers.get(server);
      if (planned !== undefined) return maintenanceText(planned);
      return presenceOf(server, members, this.#since, clock()).is === 'absent' ? 'absent' : undefined;
    };
    const announcing = (server: string) => members.get(server)?.ready === true;
    this.#asker.turn({ wishes, keeps, settled, known: { state, gone, announcing } });
  }

  /** Of the servers of the own shard, and of real servers; while etcd does not answer, those that have not ended since. */
  #planned(): Planned {
    const now = this.#p.wall();
    const active = this.#active.filter(({ endsAt }) => endsAt === undefined || now < endsAt);
    const subjects = active.map(({ subject }) => subject).slice(0, MOST_PLANNED);
    return {
      servers: subjects.flatMap((each) =>
        'server' in each && this.#near.has(each.server) ? [[each.server, each.nic ?? ''] as const] : [],
      ),
      realServers: subjects.flatMap((each) => ('realServer' in each ? [each.realServer] : [])),
    };
  }

  #say(root: string, { frozen, blind, bad }: Found): void {
    const { lists, epoch, server, clock } = this.#p;
    const prefix = rootPrefix(root);
    const list = lists.of(prefix);
    const shard = this.shard;
    if (list === undefined || shard === undefined) return;
    const isFrozen = frozen !== '' && frozen !== 'AGENT_STALLED';
    const isBlind = blind || frozen === 'AGENT_STALLED';
    const own = isFrozen || isBlind ? [] : bad();
    this.#bad = own.length;
    const evidence = { root: prefix, epoch, frozen: isFrozen, blind: isBlind, length: list.length, bad: own };
    const bytes = this.#speaker.next(evidence, clock());
    if (bytes !== undefined) this.#joined!.hold(this.#prefix + keyOf('evidence', shard, server), bytes);
  }
}

/** Planned absences that hold. */
export interface Planned {
  /** Server and NIC; '' = the whole server. */
  readonly servers: readonly (readonly [server: string, nic: string])[];
  readonly realServers: readonly string[];
}

/** For people and metrics. */
export interface FleetShown {
  readonly planned: Planned;
  readonly budgets: readonly BudgetShown[];
  /** Wishes that were refused so far. */
  readonly refusals: number;
  /** Why the last transaction of a budget failed; '' = it did not. */
  readonly error: string;
  /** Times that evidence was written. */
  readonly written: number;
  /** Real servers that this server says are bad. */
  readonly bad: number;
  /** Others that can tell. */
  readonly witnesses: number;
}
