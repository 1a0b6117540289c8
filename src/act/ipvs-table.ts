/**
 * ipvsTable: services and real servers in kernel LVS, made where they are missing and kept as the configuration has them. Weights
 * of what is there are the business of the actuator `ipvs`.
 */
import * as z from 'zod';
import { monotonicMs } from '../sys/clock.ts';
import { NetlinkError } from '../sys/netlink-socket.ts';
import { actuator, type Actuator, type Effect, type Outcome } from './actuator.ts';
import { Ipvs } from './ipvs/client.ts';
import { nameOf } from './ipvs/entries.ts';
import { keepalivedOwner, type Owner } from './ipvs/keepalived.ts';
import { during, Made, type MadeService } from './ipvs/made.ts';
import type { Step } from './ipvs/steps.ts';
import { decideTable, type TableDecision } from './ipvs/table.ts';

/** Longest time of a call: it may have to make tens of thousands of entries. */
const LONGEST_MS = 30_000;
const RECHECK_MS = 10_000;
/** Looking takes at most one part in so many of the time. */
const SHARE = 50;

type Kernel = Pick<Ipvs, 'services' | 'serversOf' | 'step' | 'close'>;

export interface IpvsTableParts {
  /** Opens the kernel's tables. */
  readonly open: (signal: AbortSignal) => Promise<Kernel>;
  readonly owner: Owner;
  /** Monotonic ms. */
  readonly clock: () => number;
}

/** What is to be done for one effect. */
interface Work extends TableDecision {
  readonly vip: string;
  readonly family: 4 | 6;
  readonly name: string;
  readonly before: MadeService;
  /** What there is to say of its sorry server; mostly nothing. */
  readonly news: string;
}

/** The actuator over these parts. */
export function makeIpvsTable({ open, owner, clock }: IpvsTableParts): Actuator {
  let took = 0;

  /** What to do for an effect; or how it ends without anything done. */
  async function plan(effect: Effect, table: Table, signal: AbortSignal): Promise<Work | Outcome> {
    const { vip = '', entries, state } = effect;
    const wanted = state === 'enabled' ? entries : undefined;
    if (state === 'enabled' && wanted === undefined) return { result: 'unchanged' };
    const family = wanted?.lvs.family ?? table.familyOf(vip);
    const name = nameOf({ vip, family });
    const before = table.made.of(name);
    if ((effect.spec as unknown as Settings).keepalived === 'leave') {
      const who = await owner(vip, signal);
      // What it makes with the same name is its own from now on.
      if (who !== undefined && wanted === undefined) table.made.set(name, { servers: {} });
      if (who !== undefined) return wanted === undefined ? { result: 'unchanged', message: who } : refusal(who);
    }
    const service = table.found.get(name);
    const servers = service === undefined ? undefined : await table.kernel.serversOf(vip, family);
    const found = service && servers && { text: service.text, servers };
    return { ...decideTable(wanted, found, before), vip, family, name, before, news: sorryNews(effect, before) };
  }

  return actuator({
    name: 'ipvsTable',
    summary: 'makes services and real servers in kernel LVS, and keeps them as the configuration has them',
    schema: z.strictObject({
      keepalived: z.enum(['leave', 'overwrite']).describe('what to do with services that a running keepalived manages'),
      ledger: z.string().describe('file that says what fourlane has made'),
    }),
    scopes: ['import'],
    kinds: ['service'],
    idempotent: true,
    batch: true,
    concurrency: 1,
    identity: () => '',
    recheck: () => Math.max(RECHECK_MS, took * SHARE),
    async perform({ ledger }, effects) {
      const began = clock();
      const signal = AbortSignal.timeout(LONGEST_MS);
      let kernel: Kernel;
      let made: Made;
      try {
        made = await Made.read(ledger);
        kernel = await open(signal);
      } catch (error) {
        return effects.map(() => failed(error));
      }
      try {
        const table = new Table(kernel, await kernel.services(), made);
        const plans: (Work | Outcome)[] = [];
        for (const effect of effects) plans.push(await plan(effect, table, signal).catch(failed));
        for (const work of plans) if ('steps' in work) made.set(work.name, during(work.before, work.made));
        await made.save();
        const outcomes: Outcome[] = [];
        for (const work of plans) outcomes.push('steps' in work ? await carryOut(kernel, made, work) : work);
        await made.save();
        return outcomes;
      } catch (error) {
        return effects.map(() => failed(error));
      } finally {
        kernel.close();
        took = clock() - began;
      }
    },
  });
}

interface Settings {
  readonly keepalived: 'leave' | 'overwrite';
}

/** What a call begins with. */
class Table {
  readonly kernel: Kernel;
  readonly found: Awaited<ReturnType<Kernel['services']>>;
  readonly made: Made;

  constructor(kernel: Kernel, found: Table['found'], made: Made) {
    this.kernel = kernel;
    this.found = found;
    this.made = made;
  }

  /** Of a service that the configuration no longer has: a mark of IPv6 is known by what has been made. */
  familyOf(vip: string): 4 | 6 {
    const isKnown = ({ service, servers }: MadeService) => service !== undefined || Object.keys(servers).length > 0;
    return isKnown(this.made.of(nameOf({ vip, family: 6 }))) ? 6 : 4;
  }
}

/** Carries out the steps; what has been made is noted also where one of them fails. */
async function carryOut(kernel: Kernel, made: Made, work: Work): Promise<Outcome> {
  const { vip, family, name, before, steps, left, differs, news } = work;
  const done: Step[] = [];
  try {
    for (const step of steps) {
      await kernel.step(vip, family, step);
      done.push(step);
    }
  } catch (error) {
    // What the kernel has refused has changed nothing; of any other end nobody knows.
    if ((error as Error).cause instanceof NetlinkError) made.set(name, partly(before, work.made, done));
    return { ...failed(error), differs };
  }
  made.set(name, work.made);
  if (left.length > 0) return { result: 'unsupported', mayPass: true, differs, message: leftText(left) };
  return { result: steps.length === 0 ? 'unchanged' : 'done', differs, ...(news === '' ? {} : { message: news }) };
}

/** What the log says of the sorry server: while it is in, and when it has just gone. */
function sorryNews({ entries, sorry: isIn }: Effect, before: MadeService): string {
  const name = entries?.lvs.sorry?.name;
  if (name === undefined) return '';
  if (isIn === true) return `the quorum is lost: sorry server ${name} is in the place of its real servers`;
  const hasOwn = !entries!.servers.some((server) => server.name === name);
  return hasOwn && (before.servers[name]?.configured ?? 0) > 0 ? `the quorum is back: sorry server ${name} is out` : '';
}

/** What has been made when not all steps were carried out: the one that failed has changed nothing. */
function partly(before: MadeService, after: MadeService, done: readonly Step[]): MadeService {
  const added = new Set(done.flatMap((step) => (step.do === 'addServer' ? [step.name] : [])));
  const removed = new Set(done.flatMap((step) => (step.do === 'deleteServer' ? [step.name] : [])));
  const kept = Object.entries(before.servers).filter(([name]) => !removed.has(name));
  const fresh = Object.entries(after.servers).filter(([name]) => added.has(name));
  const hasService = done.some((step) => step.do === 'addService');
  const service = hasService ? after.service : before.service;
  return { ...(service === undefined ? {} : { service }), servers: Object.fromEntries([...kept, ...fresh]) };
}

const MOST_SHOWN = 3;

function leftText(left: readonly string[]): string {
  const more = left.length > MOST_SHOWN ? `; and ${left.length - MOST_SHOWN} more` : '';
  return `left as others have made it: ${left.slice(0, MOST_SHOWN).join('; ')}${more}. Remove it, or write existing: adopt`;
}

function refusal(who: string): Outcome {
  const message = `${who}: stop that keepalived, or shadow it (mode: shadow), or write running: overwrite`;
  return { result: 'unsupported', mayPass: true, message };
}

function failed(error: unknown): Outcome {
  return { result: 'failed', message: error instanceof Error ? error.message : String(error) };
}

export const ipvsTable = makeIpvsTable({
  open: (signal) => Ipvs.open(signal),
  owner: keepalivedOwner(monotonicMs),
  clock: monotonicMs,
});
