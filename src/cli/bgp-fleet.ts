/** What the fleet has to say to `fourlane bgp drain`: its budget of servers, and the guards that look at the others. */
import { decideDrain, type DrainAsk, endDrain, othersOf } from '../cluster/budget/drain.ts';
import type { Store } from '../cluster/store/store.ts';
import { stateOf } from '../cluster/view/reading.ts';
import type { CronCalendar } from '../cluster/roster/maintenance.ts';
import { ipvs } from '../collect/ipvs.ts';
import { readOnce } from '../collect/once.ts';
import type { Seen } from '../edge/lint/rule.ts';
import { edgeOf, lintEdge } from '../edge/lint/rules.ts';
import { FourlaneError } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import { edit } from './cluster/edit.ts';
import { defaultAuthor, Session } from './cluster/session.ts';

/** What the guards need of a connection to etcd. */
export interface FleetDoor {
  readonly store: Pick<Store, 'read' | 'commit'>;
  readonly by: string;
  readonly calendar: CronCalendar;
  close(): Promise<void>;
}

export type OpenFleet = (plan: Plan) => FleetDoor;

/** Refused by the fleet, with the reason. */
export class Denied extends Error {}

/** Codes of rules of the edge that look at the others: an error of one refuses the drain, a warning is told. */
const GUARDS = new Set(['S13', 'S14']);

/** The cluster that the configuration names; throws without one. */
export function openFleet({ cluster, etcd }: Plan): FleetDoor {
  return new Session({ name: cluster, etcd: etcd! }, defaultAuthor());
}

const sessionOf = (door: FleetDoor) => ({
  store: door.store,
  state: () => stateOf(door.store),
});

function askOf({ server }: Plan, { by, calendar }: FleetDoor): DrainAsk {
  const now = Date.now();
  return { server, by, calendar, now, at: new Date(now).toISOString() };
}

/**
 * Asks for this server to be drained, and holds its slot of the budget from then on. Rejects with Denied: no slot is held.
 * @param say one line for each warning
 */
export async function askToDrain(plan: Plan, door: FleetDoor, say: (line: string) => void): Promise<void> {
  const sync = await syncSeen(plan);
  try {
    await edit(sessionOf(door), (state) => {
      const ask = askOf(plan, door);
      const warnings = guard(plan, { members: othersOf(state, ask), ...sync });
      const decision = decideDrain(state, ask);
      if (!decision.granted) throw new Denied(decision.text);
      for (const warning of warnings) say(warning);
      return decision.txn;
    });
  } catch (error) {
    if (error instanceof Denied || !(error instanceof FourlaneError)) throw error;
    throw new Denied(error.message, { cause: error });
  }
}

/** What the fleet shows of the other servers, for the rules of the edge: nothing without a cluster, or an answer of etcd. */
export async function membersSeen(
  plan: Plan,
  complain: (line: string) => void,
  open: OpenFleet = openFleet,
): Promise<Pick<Seen, 'members' | 'sync'>> {
  const sync = await syncSeen(plan);
  if (plan.etcd === undefined) return sync;
  const door = open(plan);
  try {
    const state = await sessionOf(door).state();
    return { members: othersOf(state, askOf(plan, door)), ...sync };
  } catch (error) {
    if (!(error instanceof FourlaneError)) throw error;
    complain(`etcd: ${error.message}`);
    return sync;
  } finally {
    await door.close();
  }
}

/** Gives the slot back; nothing when there is none. Rejects with FourlaneError. */
export async function endDrainOf({ server }: Plan, door: FleetDoor): Promise<void> {
  await edit(sessionOf(door), (state) => endDrain(state, server));
}

/** The warnings of the guards. Throws Denied with their errors. */
function guard(plan: Plan, seen: Seen): readonly string[] {
  const edge = edgeOf(plan);
  if (edge === undefined) return [];
  const found = lintEdge(edge, seen).findings.filter(({ code }) => GUARDS.has(code));
  const text = ({ code, message, fix }: (typeof found)[number]) => `${code} ${message}; ${fix}`;
  const errors = found.filter(({ level }) => level === 'error');
  if (errors.length > 0) throw new Denied(errors.map(text).join('; '));
  return found.map(text);
}

/** Session sync of kernel LVS, as far as it can be told: that it is off. */
async function syncSeen(plan: Plan): Promise<Pick<Seen, 'sync'>> {
  const settings = plan.collectors[ipvs.name];
  if (settings === undefined || settings === false) return {};
  const reading = await readOnce(ipvs, settings, plan, () => undefined);
  const isOff = reading.state === 'data' && (reading.data as { readonly daemons: readonly unknown[] }).daemons.length === 0;
  return isOff ? { sync: 'off' } : {};
}
