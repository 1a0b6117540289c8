/**
 * What to write so that a service has its entries: pure. What fourlane has made is kept as the configuration says, and removed
 * when the configuration no longer has it. What others have made stays as it is, unless it is to be adopted.
 */
import type { LvsServer } from '../../model/plan.ts';
import type { WantedEntries } from '../actuator.ts';
import { serverText, serviceText } from './entries.ts';
import type { MadeServer, MadeService, Mark } from './made.ts';
import type { Step } from './steps.ts';

/** What the kernel has of a service; servers by their names. */
export interface FoundEntries {
  readonly text: string;
  readonly servers: ReadonlyMap<string, { readonly text: string; readonly weight: number }>;
}

export interface TableDecision {
  readonly steps: readonly Step[];
  /** What fourlane has made once the steps are done. */
  readonly made: MadeService;
  /** What is not as it is wanted and stays so, since others have made it. */
  readonly left: readonly string[];
  /** Somebody else has changed or removed what fourlane had made. */
  readonly differs: boolean;
}

const NOTHING: MadeService = { servers: {} };

/** Whether an entry that is there is ours. Where the end of the call that made it is not known, it is when it looks so. */
function isOurs(mark: Mark | undefined, text: string): boolean {
  return mark !== undefined && (mark.sure || mark.text === text);
}

/**
 * @param wanted undefined: the configuration no longer has the service
 * @param found undefined: the kernel does not have it
 * @param made what fourlane has noted of it
 */
export function decideTable(
  wanted: WantedEntries | undefined,
  found: FoundEntries | undefined,
  made: MadeService,
): TableDecision {
  if (wanted === undefined)
    return found === undefined ? { steps: [], made: NOTHING, left: [], differs: false } : removal(found, made);
  return new Keeping(wanted, found, made).decide();
}

function removal({ text, servers }: FoundEntries, made: MadeService): TableDecision {
  const ours = [...servers].flatMap(([name, server]) => (isOurs(made.servers[name], server.text) ? [name] : []));
  const all = ours.length === servers.size;
  if (isOurs(made.service, text) && all) return { steps: [{ do: 'deleteService' }], made: NOTHING, left: [], differs: false };
  const steps = ours.map((name) => ({ do: 'deleteServer', name }) as const);
  const left = made.service === undefined ? [] : ['the service, since it has real servers that fourlane has not made'];
  return { steps, made: NOTHING, left, differs: false };
}

class Keeping {
  readonly #wanted: WantedEntries;
  readonly #found: FoundEntries | undefined;
  readonly #before: MadeService;
  readonly #adopts: boolean;
  readonly #steps: Step[] = [];
  readonly #left: string[] = [];
  readonly #made: Record<string, MadeServer> = {};
  #differs = false;

  constructor(wanted: WantedEntries, found: FoundEntries | undefined, before: MadeService) {
    this.#wanted = wanted;
    this.#found = found;
    this.#before = before;
    this.#adopts = wanted.lvs.existing === 'adopt';
  }

  decide(): TableDecision {
    const service = this.#service();
    this.#servers();
    const made = { ...(service === undefined ? {} : { service }), servers: this.#made };
    return { steps: this.#steps, made, left: this.#left, differs: this.#differs };
  }

  #service(): Mark | undefined {
    const { lvs } = this.#wanted;
    const text = serviceText(lvs);
    const mark = { text, sure: true };
    const before = this.#before.service;
    if (this.#found === undefined) {
      this.#differs ||= before?.sure === true;
      this.#steps.push({ do: 'addService', lvs });
      return mark;
    }
    const found = this.#found.text;
    if (!isOurs(before, found) && !this.#adopts) {
      if (found !== text) this.#left.push(`the service is ${found} instead of ${text}`);
      return undefined;
    }
    if (found !== text) {
      this.#differs ||= before?.sure === true && before.text !== found;
      this.#steps.push({ do: 'setService', lvs });
    }
    return mark;
  }

  #servers(): void {
    const { servers, lvs, weights, sorry } = this.#wanted;
    const rest = new Map(this.#found?.servers);
    for (const [position, { name, realServer, configured }] of servers.entries()) {
      const weight = weights.get(realServer) ?? configured;
      this.#server({ name, server: lvs.servers[position]!, configured, weight });
      rest.delete(name);
    }
    if (sorry !== undefined) {
      // Its weight follows the quorum, as that of a real server does its configuration.
      this.#server({ ...sorry, configured: sorry.weight });
      rest.delete(sorry.name);
    }
    for (const [name, { text }] of rest) {
      if (this.#adopts || isOurs(this.#before.servers[name], text)) this.#steps.push({ do: 'deleteServer', name });
      else this.#left.push(`real server ${name}, which the configuration does not have`);
    }
  }

  #server(wanted: {
    readonly name: string;
    readonly server: LvsServer;
    readonly configured: number;
    readonly weight: number;
  }): void {
    const { name, server, configured, weight } = wanted;
    const text = serverText(server);
    const mark = { text, configured, sure: true };
    const before = this.#before.servers[name];
    const found = this.#found?.servers.get(name);
    if (found === undefined) {
      this.#differs ||= before?.sure === true;
      this.#steps.push({ do: 'addServer', name, server, weight });
      this.#made[name] = mark;
      return;
    }
    if (!isOurs(before, found.text) && !this.#adopts) {
      if (found.text !== text) this.#left.push(`real server ${name} is ${found.text} instead of ${text}`);
      return;
    }
    this.#made[name] = mark;
    // A weight is somebody's word for as long as the configuration says the same.
    const isOther = before?.configured !== configured && found.weight !== weight;
    if (found.text === text && !isOther) return;
    this.#differs ||= before?.sure === true && before.text !== found.text;
    this.#steps.push({ do: 'setServer', name, server, weight: isOther ? weight : found.weight });
  }
}
