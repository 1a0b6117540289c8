/**
 * The judge's side of the fleet: what it finds goes to the others, what they find comes to it as a fact, and what the budgets
 * grant as permits. While there is an etcd, no NIC is taken out and no ill server withdraws itself without being asked for.
 */
import type { Reconciler } from '../act/reconciler.ts';
import { BUDGETS, DRAIN, nicSubject, permitsOf, SELF, waitingNics } from '../cluster/budget/asks.ts';
import type { RootLists } from '../cluster/evidence/lists.ts';
import { rootPrefix } from '../cluster/evidence/evidence.ts';
import type { Testimony } from '../cluster/evidence/witnesses.ts';
import type { Fleet } from '../cluster/fleet/fleet.ts';
import { isOut } from '../judge/memory.ts';
import { badHere, judgedShare } from '../judge/read.ts';
import type { Plan } from '../model/plan.ts';
import type { Decisions } from '../model/verdict.ts';
import type { Loop } from './loop.ts';
import { RealServerIndex } from './real-server-index.ts';

export interface FleetSideParts {
  readonly clock: () => number;
  readonly plan: () => Plan;
  readonly loop: Pick<Loop, 'state' | 'observe'>;
  readonly reconciler: Pick<Reconciler, 'allowWithdrawal' | 'isWithdrawn'>;
  readonly lists: RootLists;
  /** Root of the release that runs. */
  readonly running: () => string | undefined;
}

/** Several changes are answered together. */
const SOON_MS = 20;
/** The word of the others is given again when it is this old: it holds for `fleet_fresh_ms`. */
const REPEAT_MS = 4000;
/** Of the real servers that must have been judged before this server speaks of them. */
const LEAST_JUDGED = 0.9;
/** After a change of the plan nothing is said for so long: the judge must have looked at it first. */
const QUIET_MS = 1000;
/** After the start nothing is given up for so long: the judge must have seen everything first. */
const SETTLE_MS = 30_000;

export class FleetSide {
  readonly #p: FleetSideParts;
  readonly #fleet: Fleet;
  readonly #startedAt: number;
  readonly #given = new Map<string, 0 | 1>();
  #soon: NodeJS.Timeout | undefined;
  #waiting: ReadonlySet<string> = new Set();
  #index: { readonly of: string; readonly made: RealServerIndex } | undefined;
  #heard = '';
  #heardAt = 0;
  #quietUntil = 0;

  constructor(fleet: Fleet, parts: FleetSideParts) {
    this.#p = parts;
    this.#fleet = fleet;
    this.#startedAt = parts.clock();
    this.#permit();
  }

  /** The judge has decided: a NIC may have to be asked for. */
  decided({ blocked }: Pick<Decisions, 'blocked'>): void {
    if (blocked.length === 0) return;
    this.#waitFor(blocked);
    if (this.#waiting.size > 0) this.soon();
  }

  /** Something has changed in etcd. */
  soon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.turn();
    }, SOON_MS).unref();
  }

  /** The judge goes on with another plan. */
  planChanged(): void {
    this.#given.clear();
    this.#heard = '';
    this.#quietUntil = this.#p.clock() + QUIET_MS;
    this.#permit();
  }

  /** Nothing is asked for any more. */
  stop(): void {
    clearTimeout(this.#soon);
    const { plan, clock, loop, reconciler } = this.#p;
    for (const permit of permitsOf(
      plan().nics.map(({ name }) => name),
      () => true,
      new Map(),
      clock(),
    ))
      loop.observe(permit);
    reconciler.allowWithdrawal(false);
  }

  #nicOf = (name: string) => this.#p.plan().nics.findIndex((nic) => nic.name === name);

  #isOut = (name: string) => {
    const nic = this.#nicOf(name);
    return nic >= 0 && this.#p.loop.state.governor.wanted.nicEnabled[nic] === 0;
  };

  #waitFor(blocked: Decisions['blocked']): void {
    const { state } = this.#p.loop;
    this.#waiting = waitingNics(this.#waiting, blocked, this.#isOut, (name) => {
      const nic = this.#nicOf(name);
      return nic >= 0 && isOut(state, nic);
    });
  }

  /** Says, hears and asks: twice a second, and soon after a change. */
  turn(): void {
    const { loop, clock, running, reconciler } = this.#p;
    const { state } = loop;
    if (clock() < this.#quietUntil) return;
    this.#waitFor([]);
    const root = running();
    const frozen = state.agent.verdict;
    const blind = judgedShare(state) < LEAST_JUDGED;
    const index = this.#indexOf(root);
    const found = {
      root: index === undefined ? undefined : root,
      frozen,
      blind,
      bad: () => index?.entriesOf(badHere(state)) ?? [],
      waiting: this.#waiting,
      keeps: (_: string, subject: string) => {
        if (subject === DRAIN) return true;
        return subject === SELF ? reconciler.isWithdrawn : this.#isOut(subject.slice(nicSubject('').length));
      },
      settled: !blind && clock() - this.#startedAt > SETTLE_MS,
    };
    const heard = this.#fleet.turn(found);
    if (heard !== undefined && index !== undefined) this.#hear(heard, index);
    this.#permit();
  }

  #indexOf(root: string | undefined): RealServerIndex | undefined {
    const list = root === undefined ? undefined : this.#p.lists.of(rootPrefix(root));
    if (list === undefined) return undefined;
    const { targets, fingerprint } = this.#p.plan();
    const of = `${root} ${fingerprint}`;
    if (this.#index?.of !== of) {
      this.#index = { of, made: new RealServerIndex(list, targets) };
      this.#heard = '';
    }
    return this.#index.made;
  }

  #hear({ witnesses, servers, bad, unknown }: Testimony, index: RealServerIndex): void {
    const now = this.#p.clock();
    const text = JSON.stringify([witnesses, servers, bad, unknown]);
    if (text === this.#heard && now - this.#heardAt < REPEAT_MS) return;
    this.#heard = text;
    this.#heardAt = now;
    const rows = servers.flatMap((entry, k) =>
      index.targetsOf(entry).map((target) => ({ target, bad: bad[k]!, unknown: unknown[k]! })),
    );
    this.#p.loop.observe({
      kind: 'fleet',
      measuredAt: now,
      witnesses,
      servers: rows.map(({ target }) => target),
      bad: rows.map((row) => row.bad),
      unknown: rows.map((row) => row.unknown),
    });
  }

  #permit(): void {
    const { plan, clock, loop, reconciler } = this.#p;
    const nics = plan().nics.map(({ name }) => name);
    const granted = (subject: string) => this.#fleet.isGranted(BUDGETS.nic, subject);
    for (const permit of permitsOf(nics, granted, this.#given, clock())) {
      this.#given.set(nics[permit.nic]!, permit.granted);
      loop.observe(permit);
    }
    reconciler.allowWithdrawal(this.#fleet.isGranted(BUDGETS.server, SELF));
  }
}
