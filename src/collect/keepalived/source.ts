/** keepalived over readings: which processes there are, what they announced and what they showed, kept together. */
import { Once } from '../../model/change-log.ts';
import { Newest } from '../../model/newest.ts';
import { type ProcessInfo, startSeconds } from '../../sys/process.ts';
import type { CollectContext, Reading, Source } from '../collector.ts';
import { Follower, type LineKind } from './follower.ts';
import { Ledger } from './ledger.ts';
import type { Notice } from '../../keepalived/state/notify.ts';
import { NOT_LOOKED, type Presence, type PresenceEvent, stepped } from './presence.ts';
import { configLoaded, findProcesses, identity, type PidFiles, type Processes, type Role, ROLES } from './processes.ts';
import type { DumpState, InstanceState, KeepalivedData, ProcessState } from './publish.ts';
import { type Dump, Requester } from './requester.ts';

export interface KeepalivedOptions {
  readonly pidFiles: PidFiles;
  /** undefined: dumps are not asked for. */
  readonly dump:
    | { readonly file: string | undefined; readonly signal: number; readonly details: boolean; readonly everyMs: number }
    | undefined;
  readonly fifo: string | undefined;
}

/** Dumps of the present VRRP process. */
interface Dumps {
  readonly last: { readonly dump: Dump; readonly epoch: string } | undefined;
  /** When, and of which process, one was asked for last: ms of the clock. */
  readonly asked: { readonly t: number; readonly epoch: string } | undefined;
  /** Why the last attempt failed; '' = it did not. */
  readonly failure: string;
}

/** How long the last good dump is shown while dumps fail, ms. */
const KEPT_MS = 60_000;
/** A process that has just started may not answer yet, ms. */
const STARTING_MS = 5000;
/** A reload that began this long before a dump may still be going on in the VRRP process as it writes it, s. */
const RELOADING_S = 10;

export class KeepalivedSource implements Source<KeepalivedData> {
  readonly #o: KeepalivedOptions;
  readonly #context: CollectContext;
  readonly #requester: Requester | undefined;
  readonly #follower: Follower | undefined;
  readonly #instances = new Ledger();
  readonly #groups = new Ledger();
  readonly #problem: Once;
  readonly #processes: Newest<Processes>;
  #presence = NOT_LOOKED;
  #dumps: Dumps = { last: undefined, asked: undefined, failure: '' };
  /** Priorities that lines brought since the last dump. */
  #priorities = new Map<string, number>();

  constructor(options: KeepalivedOptions, context: CollectContext) {
    this.#o = options;
    this.#context = context;
    this.#problem = new Once((problem) => context.log('warn', `collector keepalived: ${problem}`));
    const { dump, fifo } = options;
    this.#requester = dump && new Requester({ ...dump, clock: context.clock });
    this.#processes = new Newest(() => findProcesses(options.pidFiles));
    const before = () => this.#look();
    const after = () => this.#step({ is: 'linesRead' });
    const take = (notice: Notice) => this.#take(notice);
    this.#follower = fifo === undefined ? undefined : new Follower(fifo, { clock: context.clock, before, take, after });
  }

  async read(signal: AbortSignal): Promise<Reading<KeepalivedData>> {
    await this.#look();
    // After the look at the processes: what one that has ended announced is read by now.
    await this.#follower?.drain();
    const { parent } = this.#processes.value!;
    if (parent.process === undefined && !this.#presence.known.has('parent')) {
      return { state: 'absent', reason: `keepalived does not run: ${parent.problem}` };
    }
    const loaded = parent.process && (await configLoaded(parent.process));
    // As it is now: lines may have been read meanwhile, and the processes looked at for them.
    const processes = this.#processes.value!;
    const { vrrp } = processes;
    if (loaded !== undefined) this.#step({ is: 'loaded', at: loaded });
    if (vrrp.process === undefined) this.#end();
    else if (this.#requester !== undefined && this.#isDue()) await this.#dump(this.#requester, vrrp.process, signal);
    const connected = vrrp.process !== undefined && (await this.#follower?.isOpenIn(vrrp.process.pid)) === true;
    const problems = this.#problems(processes, connected);
    const starting = this.#context.clock() - this.#presence.since < STARTING_MS;
    if (this.#requester !== undefined && vrrp.process !== undefined && this.#age() > KEPT_MS && !starting) {
      return { state: 'failed', reason: problems };
    }
    this.#problem.set(problems);
    return { state: 'data', data: await this.#data(processes, connected) };
  }

  /** Takes note of what is learnt of the processes. With another VRRP process all instances start again. */
  #step(event: PresenceEvent): void {
    const { starts } = this.#presence;
    this.#presence = stepped(this.#presence, event);
    if (this.#presence.starts > starts) for (const ledger of [this.#instances, this.#groups]) ledger.restart();
  }

  /** Lines are followed while a reading goes on: a process that was seen for them has not ended since. */
  async #look(): Promise<void> {
    await this.#processes.look((processes) => {
      const found = ROLES.flatMap((role): [Role, string][] => {
        const { process } = processes[role];
        return process === undefined ? [] : [[role, identity(process)]];
      });
      this.#step({ is: 'looked', running: new Map(found), now: this.#context.clock() });
    });
  }

  #take(notice: Notice): LineKind {
    if (notice.kind === 'instance' || notice.kind === 'priority') this.#priorities.set(notice.name, notice.priority);
    if (notice.kind !== 'instance' && notice.kind !== 'group') return notice.kind;
    const ledger = notice.kind === 'instance' ? this.#instances : this.#groups;
    return ledger.announce(notice.name, notice.state, this.#presence.mixed) ? notice.kind : 'repeated';
  }

  #end(): void {
    this.#step({ is: 'vrrpEnded' });
    this.#dumps = { ...this.#dumps, last: undefined, failure: '' };
    this.#priorities.clear();
    for (const ledger of [this.#instances, this.#groups]) ledger.end();
  }

  #isDue(): boolean {
    const { asked } = this.#dumps;
    if (asked === undefined || asked.epoch !== this.#presence.vrrp) return true;
    return this.#context.clock() - asked.t >= this.#o.dump!.everyMs;
  }

  async #dump(requester: Requester, vrrp: ProcessInfo, signal: AbortSignal): Promise<void> {
    const epoch = identity(vrrp);
    const former = this.#priorities;
    this.#priorities = new Map();
    for (const ledger of [this.#instances, this.#groups]) ledger.mark();
    this.#dumps = { ...this.#dumps, asked: { t: this.#context.clock(), epoch } };
    try {
      const dump = await requester.request(vrrp, signal);
      await this.#follower?.drain();
      if (this.#presence.vrrp !== epoch) return; // of a process that is no more
      this.#reconcile(dump, await this.#isReloaded());
      this.#dumps = { ...this.#dumps, last: { dump, epoch }, failure: '' };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      this.#dumps = { ...this.#dumps, failure: (error as Error).message };
      this.#priorities = new Map([...former, ...this.#priorities]);
    }
  }

  /** Whether the configuration may have been loaded since the last dump. */
  async #isReloaded(): Promise<boolean> {
    const parent = (await findProcesses(this.#o.pidFiles)).parent.process;
    const loaded = parent && (await configLoaded(parent));
    const before = this.#dumps.last?.dump.written;
    return loaded === undefined || before === undefined || loaded > before - RELOADING_S;
  }

  #reconcile({ instances, details }: Dump, reloaded: boolean): void {
    const seen = instances.map((i) => ({ ...i, masters: i.statistics.become_master, owner: i.basePriority === 255 }));
    this.#instances.reconcile(seen, reloaded);
    const groups = details && Array.from(details.groups, ([name, state]) => ({ name, state }));
    if (groups !== undefined) this.#groups.reconcile(groups, reloaded);
  }

  /** The last good dump of the present process. */
  #present(): Dumps['last'] {
    return this.#dumps.last?.epoch === this.#presence.vrrp ? this.#dumps.last : undefined;
  }

  /** Of the last good dump of the present process, ms; without one Infinity. */
  #age(): number {
    const last = this.#present();
    return last === undefined ? Infinity : this.#context.clock() - last.dump.asked;
  }

  #problems({ vrrp }: Processes, connected: boolean): string {
    const { fifo } = this.#o;
    const problems = [this.#dumps.failure];
    if (vrrp.process === undefined) {
      problems.push(`no VRRP process: ${vrrp.problem}; there is none without vrrp_instance, or with keepalived -C`);
    } else if (fifo !== undefined && !connected) {
      problems.push(
        this.#follower!.problem ||
          `keepalived does not write to ${fifo}: transitions between two dumps may be missed; put "vrrp_notify_fifo ${fifo}" ` +
            'into global_defs of keepalived.conf and reload it, or set collectors.keepalived.fifo to false',
      );
    }
    return problems.filter((p) => p !== '').join('; ');
  }

  async #data(processes: Processes, connected: boolean): Promise<KeepalivedData> {
    const last = this.#present();
    const { known, loaded, reloads } = this.#presence;
    const shown = ROLES.filter((role) => processes[role].present || known.has(role));
    return {
      number: processes.number,
      processes: await Promise.all(shown.map((role) => processState(role, processes, this.#presence))),
      ...(loaded !== undefined && processes.parent.process !== undefined && { loaded: loaded.at }),
      reloads,
      retries: { empty: 0, torn: 0, ...this.#requester?.retries },
      missed: this.#instances.missed,
      instances: states(this.#instances, this.#priorities),
      groups: states(this.#groups, new Map()),
      ...(last !== undefined && { dump: dumpState(last, this.#dumps.failure === '', this.#age()) }),
      ...(this.#follower !== undefined && { fifo: { connected, lines: { ...this.#follower.lines } } }),
    };
  }

  async close(): Promise<void> {
    await this.#follower?.close();
  }
}

async function processState(role: Role, processes: Processes, { known }: Presence): Promise<ProcessState> {
  const { present, process } = processes[role];
  const started = process && (await startSeconds(process.startTicks));
  const restarts = known.get(role)?.restarts ?? 0;
  return { role, up: process !== undefined, pidFile: present, restarts, ...(started !== undefined && { started }) };
}

function dumpState({ dump, epoch }: NonNullable<Dumps['last']>, success: boolean, ageMs: number): DumpState {
  const { instances, details, took } = dump;
  return { success, ageMs, tookMs: took, instances, epoch, ...(details !== undefined && { details }) };
}

function states(ledger: Ledger, priorities: ReadonlyMap<string, number>): readonly InstanceState[] {
  return [...ledger.entries()].map(([name, entry]) => {
    const priority = priorities.get(name);
    return { name, ...entry, ...(priority !== undefined && entry.state !== undefined && { priority }) };
  });
}
