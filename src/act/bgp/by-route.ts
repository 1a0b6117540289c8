/**
 * Driver `kernelRoute`: takes away the kernel's routes to the prefixes of the NIC, which the routing daemon redistributes,
 * and puts
 * them back as they were. It needs no right on the daemon, and survives its restarts.
 */
import { type KernelRoute, putRoute, removeRoute, routesTo, routeWords } from '../../sys/kernel-routes.ts';
import type { Outcome } from '../actuator.ts';
import type { Driver, Means } from './driver.ts';
import type { BgpSpec } from './spec.ts';

/** The kernel; tests have another. */
export interface Kernel {
  routesTo(prefix: string, signal: AbortSignal): Promise<readonly KernelRoute[]>;
  put(route: KernelRoute, signal: AbortSignal): Promise<void>;
  remove(route: KernelRoute, signal: AbortSignal): Promise<void>;
}

export const KERNEL: Kernel = { routesTo, put: putRoute, remove: removeRoute };

export interface RouteSituation {
  readonly nic: string;
  readonly wanted: 'failed' | 'ok';
  readonly prefixes: readonly string[];
  /** Routes to them that are there. */
  readonly found: readonly KernelRoute[];
  /** Routes that the ledger has for this effect. */
  readonly recorded: readonly KernelRoute[];
  /** Other NICs with prefixes of their own; `there`: a route to one of them is. */
  readonly others: readonly { readonly nic: string; readonly there: boolean }[];
  /** Other NICs whose routes the ledger has. */
  readonly withdrawn: ReadonlySet<string>;
}

export interface RouteSteps {
  readonly remove: readonly KernelRoute[];
  readonly put: readonly KernelRoute[];
  /** What the ledger is to have while the steps are taken, and afterwards. */
  readonly during: readonly KernelRoute[];
  readonly after: readonly KernelRoute[];
  readonly differs: boolean;
  readonly refused?: string;
}

const keyOf = (route: KernelRoute) => routeWords(route).join(' ');

function together(first: readonly KernelRoute[], second: readonly KernelRoute[]): readonly KernelRoute[] {
  return [...new Map([...first, ...second].map((route) => [keyOf(route), route])).values()];
}

/** Pure. What somebody else has taken away is in no ledger, and is not put back. */
export function decideRoutes(situation: RouteSituation): RouteSteps {
  const { wanted, found, recorded } = situation;
  const nothing = { remove: [], put: [], differs: false };
  if (wanted === 'ok') {
    // Where somebody has put another route meanwhile, it is his.
    const put = recorded.filter(({ prefix }) => !found.some((route) => route.prefix === prefix));
    return { ...nothing, put, during: recorded, after: [] };
  }
  const refused = found.length === 0 ? missing(situation) : guard(situation);
  if (refused !== undefined) return { ...nothing, during: recorded, after: recorded, refused };
  const all = together(recorded, found);
  return { ...nothing, remove: found, during: all, after: all, differs: found.length > 0 && recorded.length > 0 };
}

function missing({ prefixes, recorded }: RouteSituation): string | undefined {
  return recorded.length > 0
    ? undefined
    : `the kernel has no route to ${prefixes.join(', ') || 'a prefix of this NIC'}: nothing to withdraw`;
}

/** Why the routes must stay; undefined: they may go. */
function guard({ nic, others, withdrawn }: RouteSituation): string | undefined {
  if (!others.some((other) => other.there && !withdrawn.has(other.nic)))
    return `${nic} has the last route: no prefix of another NIC is announced`;
  const nics = new Set([nic, ...others.map((other) => other.nic)]);
  const most = Math.floor(nics.size / 2);
  const gone = [...withdrawn].filter((name) => nics.has(name));
  if (gone.length + 1 > most)
    return `routes of ${gone.join(', ')} of ${nics.size} NICs are withdrawn; at most half, which is ${most}`;
  return undefined;
}

/** By what two entries differ. */
const identityOf = ({ prefixes = [] }: Partial<BgpSpec>) => `routes ${prefixes.toSorted().join(',')}`;

export function byRoute(kernel: Kernel = KERNEL): Driver {
  const find = async (prefixes: readonly string[], signal: AbortSignal) => {
    const found: KernelRoute[] = [];
    for (const prefix of prefixes) found.push(...(await kernel.routesTo(prefix, signal)));
    return found;
  };
  return {
    name: 'kernelRoute',
    identity: identityOf,
    async follow(effect, { spec, ledger, signal }: Means): Promise<Outcome> {
      const { nic = '' } = effect;
      const id = `${nic} ${identityOf(spec)}`;
      const others: { nic: string; there: boolean }[] = [];
      for (const other of spec.otherPrefixes)
        others.push({ nic: other.nic, there: (await find(other.prefixes, signal)).length > 0 });
      const steps = decideRoutes({
        nic,
        wanted: effect.state === 'ok' ? 'ok' : 'failed',
        prefixes: spec.prefixes,
        found: await find(spec.prefixes, signal),
        recorded: ledger.records.get(id)?.routes ?? [],
        others,
        withdrawn: new Set(
          [...ledger.records].flatMap(([other, { nic: of, routes = [] }]) =>
            other !== id && of !== undefined && routes.length > 0 ? of : [],
          ),
        ),
      });
      const note = (routes: readonly KernelRoute[]) => ledger.set(id, { nic, spec: { ...spec }, shut: [], routes });
      await note(steps.during);
      for (const route of steps.remove) await kernel.remove(route, signal);
      for (const route of steps.put) await kernel.put(route, signal);
      await note(steps.after);
      if (steps.refused !== undefined) return { result: 'unsupported', message: steps.refused, mayPass: true };
      const { differs, remove, put } = steps;
      return { result: remove.length + put.length > 0 ? 'done' : 'unchanged', differs };
    },
  };
}
