/**
 * Shadow mode in the daemon: each second what fourlane wants is held against the weights that kernel LVS has; less often where
 * that would take more than its share of the judge's thread.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseTable, type TableService } from '../collect/ipvs/proc.ts';
import { parseCheckerNotice } from '../keepalived/state/notify.ts';
import type { Family, FamilySource } from '../model/family.ts';
import type { Plan, Service } from '../model/plan.ts';
import { isFault } from '../model/verdicts.ts';
import type { Decisions, Verdict } from '../model/verdict.ts';
import type { Ended, Sight } from '../shadow/comparison.ts';
import { formatDuration } from '../report/format.ts';
import type { ShadowAnswer } from '../report/view.ts';
import { ShadowLedger } from '../shadow/ledger.ts';
import { shadowReport } from '../shadow/report.ts';
import { wallOffsetMs } from '../sys/clock.ts';
import { FifoStream } from '../sys/fifo-stream.ts';
import type { Logger } from '../sys/log.ts';
import { readProc } from '../sys/procfs.ts';
import type { Loop } from './loop.ts';
import { Moments } from './moments.ts';

export interface ShadowingParts {
  readonly clock: () => number;
  readonly log: Logger;
  readonly plan: () => Plan;
  readonly loop: Pick<Loop, 'state' | 'verdicts'>;
  /** The services of kernel LVS; undefined = there is no IPVS. Rejects when it can't be read. */
  readonly table?: () => Promise<readonly TableService[] | undefined>;
}

const LOOK_MS = 1000;
/** Share of this thread's time that looking may take. */
const SHARE = 0.02;

/** keepalived may be somebody else's root, in a container: the FIFO is for its owner. */
const FIFO_MODE = 0o600;
/** keepalived writes lines of at most two names and some words. */
const MAX_LINE = 2048;
/** How much later than a change of the table its line may come. */
const LINE_MS = 50;

/** Of this network namespace. */
async function kernelTable(): Promise<readonly TableService[] | undefined> {
  const text = await readProc('/proc/net/ip_vs');
  return text === undefined ? undefined : parseTable(text);
}

const isShadowed = ({ actuator }: Service) => actuator.type === 'shadow';

export class Shadowing implements FamilySource {
  readonly #p: ShadowingParts;
  #ledger: ShadowLedger | undefined;
  #looking = false;
  readonly #moments = new Moments();
  #fifo: { readonly path: string; readonly stream: FifoStream } | undefined;
  #fifoProblem = '';
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: ShadowingParts) {
    this.#p = parts;
    this.#lookIn(LOOK_MS);
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#lookAgain(), ms).unref();
  }

  async #lookAgain(): Promise<void> {
    const before = process.threadCpuUsage();
    await this.look();
    const { user, system } = process.threadCpuUsage(before);
    if (!this.#stopped) this.#lookIn(Math.max(LOOK_MS, (user + system) / 1000 / SHARE));
  }

  /** What it has seen; undefined when no service is in shadow mode. */
  report(): ShadowAnswer | undefined {
    const view = this.#ledger?.view();
    if (view === undefined) return undefined;
    const time = (t: number) => new Date(Math.round(t + wallOffsetMs())).toISOString();
    const report = shadowReport(view, this.#p.clock(), { time, duration: formatDuration });
    return { compared: view.compared, agreeing: view.agreeing, report };
  }

  families(): readonly Family[] {
    return this.#ledger?.families() ?? [];
  }

  /** Notes when the judge has decided. */
  decided({ actions }: Pick<Decisions, 'actions'>): void {
    if (this.#ledger !== undefined) this.#moments.decided(actions, this.#p.clock());
  }

  /** One look, unless one is under way. Never rejects. */
  async look(): Promise<void> {
    const { plan, table = kernelTable, clock } = this.#p;
    if (this.#looking) return;
    if (!plan().services.some(isShadowed)) {
      this.#ledger = undefined;
      await this.#follow(undefined);
      return;
    }
    this.#looking = true;
    try {
      const ledger = (this.#ledger ??= new ShadowLedger(clock()));
      await this.#follow(plan().imports?.fifo);
      const found = await table();
      // keepalived writes its line after it has changed the table.
      if (this.#fifo !== undefined) await sleep(LINE_MS);
      if (found === undefined) ledger.blind('the kernel module ip_vs is not loaded');
      // The plan may be another one by now: the state is read with it, in one turn.
      else for (const event of ledger.take(this.#sights(found), clock())) this.#tell(event);
    } catch (error) {
      this.#ledger?.blind((error as Error).message);
    } finally {
      this.#looking = false;
    }
  }

  /** Reads the FIFO at this path from now on. Logged once when it can't; tried again at each look. Never rejects. */
  async #follow(path: string | undefined): Promise<void> {
    if (this.#stopped) return;
    const known = this.#fifo;
    if (known !== undefined && known.path === path && (await known.stream.isCurrent())) return;
    this.#fifo = undefined;
    await known?.stream.close();
    if (path === undefined) return;
    try {
      const stream = await FifoStream.open(path, { mode: FIFO_MODE, maxLine: MAX_LINE }, (line) => this.#notified(line));
      if (this.#stopped) return await stream.close();
      this.#fifo = { path, stream };
      this.#fifoProblem = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#fifoProblem) this.#p.log.warn({}, `shadow: ${message}; times are to the second until it can be read`);
      this.#fifoProblem = message;
    }
  }

  #notified(line: string): void {
    const notice = parseCheckerNotice(line);
    if (notice !== undefined) this.#moments.notified(notice, this.#p.clock());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#fifo?.stream.close();
  }

  *#sights(table: readonly TableService[]): Iterable<Sight> {
    const { plan, loop } = this.#p;
    const { services, targets, nics } = plan();
    const { weight } = loop.state.wanted;
    const byVip = new Map(table.map((service) => [vipOf(service), service]));
    const whyOf = explain(loop.verdicts());
    for (const [index, service] of services.entries()) {
      const found = isShadowed(service) ? byVip.get(service.vip) : undefined;
      // keepalived does not have it (yet): there is nothing to compare with.
      if (found === undefined) continue;
      const weights = new Map(found.realServers.map((server) => [server.realServer, server.weight]));
      const nicNames = service.nics.map((nic) => nics[nic]!.name);
      for (const [position, server] of service.realServers.entries()) {
        const { id, realServer } = targets[server.target]!;
        if (server.weight === 0) continue;
        const { name, vip } = service;
        const wanted = { fourlane: (weight[index]?.[position] ?? 1) > 0, keepalived: (weights.get(realServer) ?? 0) > 0 };
        const at = this.#moments.of({ service: name, target: id, vip, realServer }, wanted);
        yield { service: name, realServer, in: wanted, at, why: whyOf(id, nicNames) };
      }
    }
  }

  #tell({ service, realServer, first, change, how, ms, why }: Ended): void {
    const done = change === 'out' ? 'taken out' : 'put in';
    const seconds = (ms / 1000).toFixed(1);
    const by = {
      followed: `by both, by ${first} ${seconds} s earlier`,
      reverted: `by ${first} alone, for ${seconds} s`,
      together: 'by both within the same second',
    }[how];
    this.#p.log.info({ first, change, how, why }, `shadow: ${realServer} of ${service} ${done} ${by}`);
  }
}

function vipOf({ key }: TableService): string {
  const [protocol = '', name = ''] = key.split(' ');
  return protocol === 'FWM' ? `fwmark:${name}` : `${name}/${protocol.toLowerCase()}`;
}

/** What is known against a real server: its own verdict, that of a path to it, that of a NIC, in this order; '' = nothing. */
function explain(verdicts: readonly Verdict[]): (id: string, nics: readonly string[]) => string {
  const faults = verdicts.filter(({ verdict }) => isFault(verdict));
  const servers = new Map(faults.flatMap((v) => (v.subject === 'rs' ? [[v.rs, v] as const] : [])));
  const paths = Map.groupBy(
    faults.filter((v) => v.subject === 'path'),
    (v) => v.rs,
  );
  const ofNics = faults.filter((v) => v.subject === 'nic');
  const isOneOf = (nics: readonly string[], nic: string | undefined) => nic !== undefined && nics.includes(nic);
  const text = ({ verdict, cause }: Verdict, nic = '') =>
    [`${verdict}${cause === 'none' ? '' : `(${cause})`}`, nic].filter(Boolean).join(' ');
  return (id, nics) => {
    const own = servers.get(id);
    if (own !== undefined) return text(own);
    const path = paths.get(id)?.find(({ nic }) => isOneOf(nics, nic));
    if (path !== undefined) return text(path, path.nic);
    const nic = ofNics.find((v) => isOneOf(nics, v.nic));
    return nic === undefined ? '' : text(nic, nic.nic);
  };
}
