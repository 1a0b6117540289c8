/** keepalived over readings: which processes there are, what they announced and what they showed, kept together. */
import { type ProcessInfo, startSeconds } from '../../sys/process.ts';
import type { CollectContext, Reading } from '../collector.ts';
import { Follower, type LineKind } from './follower.ts';
import { Ledger } from './ledger.ts';
import type { Notice } from './notify.ts';
import { configLoaded, findProcesses, identity, type PidFiles, type Processes, type Role, ROLES } from './processes.ts';
import type { DumpState, InstanceState, KeepalivedData, ProcessState } from './publish.ts';
import { type Dump, Requester } from './requester.ts';

export interface WatchOptions {
  readonly pidFiles: PidFiles;
  /** undefined: dumps are not asked for. */
  readonly dump:
    | { readonly file: string | undefined; readonly signal: number; readonly details: boolean; readonly everyMs: number }
    | undefined;
  readonly fifo: string | undefined;
}

/** How long the last good dump is shown while dumps fail, ms. */
const KEPT_MS = 60_000;
/** A process that has just started may not answer yet, ms. */
const STARTING_MS = 5000;
/** A reload that began this long before a dump may still be going on in the VRRP process as it writes it, s. */
const RELOADING_S = 10;
/** Loading may change the configuration's time more than once, s. */
const LOADING_S = 1;

export class Watch {
  readonly #o: WatchOptions;
  readonly #context: CollectContext;
  readonly #requester: Requester | undefined;
  readonly #follower: Follower | undefined;
  readonly #instances = new Ledger();
  readonly #groups = new Ledger();
  /** Priorities that lines told since the last dump. */
  #priorities = new Map<string, number>();
  readonly #known = new Map<Role, { identity: string; restarts: number }>();
  /** Identity of the VRRP process; undefined = it does not run. */
  #vrrp: string | undefined;
  #looked = false;
  /** Lines that are read now may be those of the process before. */
  #mixed = false;
  #loaded: { parent: string; at: number } | undefined;
  #reloads = 0;
  #last: { dump: Dump; epoch: string } | undefined;
  /** When, and of which process, a dump was asked for last. */
  #asked: { t: number; epoch: string } | undefined;
  /** When the VRRP process was first seen, if it took the place of another one or of none: ms. */
  #since = Number.NEGATIVE_INFINITY;
  #failure = '';
  #said = '';

  constructor(options: WatchOptions, context: CollectContext) {
    this.#o = options;
    this.#context = context;
    const { dump, fifo } = options;
    this.#requester = dump && new Requester({ ...dump, clock: context.clock });
    this.#follower =
      fifo === undefined
        ? undefined
        : new Follower(fifo, {
            clock: context.clock,
            before: async () => this.#follow(await findProcesses(options.pidFiles)),
            take: (notice) => this.#take(notice),
            after: () => {
              this.#mixed = false;
            },
          });
  }

  async read(signal: AbortSignal): Promise<Reading<KeepalivedData>> {
    const processes = await findProcesses(this.#o.pidFiles);
    this.#follow(processes);
    // After the look at the processes: what one that has ended announced is read by now.
    await this.#follower?.drain();
    const { parent, vrrp } = processes;
    if (parent.process === undefined && !this.#known.has('parent')) {
      return { state: 'absent', reason: `keepalived does not run: ${parent.problem}` };
    }
    if (parent.process !== undefined) this.#follow(processes, await configLoaded(parent.process));
    if (vrrp.process === undefined) this.#end();
    else if (this.#requester !== undefined && this.#due()) await this.#dump(this.#requester, vrrp.process, signal);
    const connected = vrrp.process !== undefined && (await this.#follower?.isOpenIn(vrrp.process.pid)) === true;
    const problems = this.#problems(processes, connected);
    const starting = this.#context.clock() - this.#since < STARTING_MS;
    if (this.#requester !== undefined && vrrp.process !== undefined && this.#age() > KEPT_MS && !starting) {
      return { state: 'failed', reason: problems };
    }
    this.#say(problems);
    return { state: 'data', data: await this.#data(processes, connected) };
  }

  /** Takes note of processes that are others than before. `loaded`: when the parent loaded its configuration, Unix seconds. */
  #follow(processes: Processes, loaded?: number): void {
    for (const role of ROLES) {
      const { process } = processes[role];
      if (process === undefined) continue;
      const known = this.#known.get(role);
      const id = identity(process);
      if (known?.identity !== id) this.#known.set(role, { identity: id, restarts: known === undefined ? 0 : known.restarts + 1 });
      if (role !== 'vrrp' || this.#vrrp === id) continue;
      if (this.#looked) {
        this.#since = this.#context.clock();
        this.#mixed = true;
        for (const ledger of [this.#instances, this.#groups]) ledger.restart();
      }
      this.#vrrp = id;
    }
    this.#looked = true;
    const parent = this.#known.get('parent')?.identity;
    if (loaded === undefined || parent === undefined) return;
    if (this.#loaded?.parent === parent && loaded - this.#loaded.at > LOADING_S) this.#reloads++;
    this.#loaded = { parent, at: loaded };
  }

  #take(notice: Notice): LineKind {
    if (notice.kind === 'instance' || notice.kind === 'priority') this.#priorities.set(notice.name, notice.priority);
    if (notice.kind !== 'instance' && notice.kind !== 'group') return notice.kind;
    const ledger = notice.kind === 'instance' ? this.#instances : this.#groups;
    return ledger.announce(notice.name, notice.state, this.#mixed) ? notice.kind : 'repeated';
  }

  #end(): void {
    this.#vrrp = undefined;
    this.#last = undefined;
    this.#failure = '';
    this.#priorities.clear();
    for (const ledger of [this.#instances, this.#groups]) ledger.end();
  }

  #due(): boolean {
    return this.#asked?.epoch !== this.#vrrp || this.#context.clock() - this.#asked!.t >= this.#o.dump!.everyMs;
  }

  async #dump(requester: Requester, vrrp: ProcessInfo, signal: AbortSignal): Promise<void> {
    const epoch = identity(vrrp);
    const former = this.#priorities;
    this.#priorities = new Map();
    for (const ledger of [this.#instances, this.#groups]) ledger.mark();
    this.#asked = { t: this.#context.clock(), epoch };
    try {
      const dump = await requester.request(vrrp, signal);
      await this.#follower?.drain();
      if (this.#vrrp !== epoch) return; // of a process that is no more
      const parent = (await findProcesses(this.#o.pidFiles)).parent.process;
      const loaded = parent && (await configLoaded(parent));
      const before = this.#last?.dump.written;
      const reloaded = loaded === undefined || before === undefined || loaded > before - RELOADING_S;
      const seen = dump.instances.map((i) => ({ ...i, masters: i.statistics.become_master, owner: i.basePriority === 255 }));
      this.#instances.reconcile(seen, reloaded);
      const groups = dump.details?.groups;
      if (groups !== undefined)
        this.#groups.reconcile(
          Array.from(groups, ([name, state]) => ({ name, state })),
          reloaded,
        );
      this.#last = { dump, epoch };
      this.#failure = '';
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      this.#failure = (error as Error).message;
      this.#priorities = new Map([...former, ...this.#priorities]);
    }
  }

  /** Of the last good dump of the present process, ms; without one Infinity. */
  #age(): number {
    return this.#last?.epoch === this.#vrrp && this.#last !== undefined
      ? this.#context.clock() - this.#last.dump.asked
      : Infinity;
  }

  #problems({ vrrp }: Processes, connected: boolean): string {
    const { fifo } = this.#o;
    const problems = [this.#failure];
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

  /** Into the log, once as long as it stays the same. */
  #say(problems: string): void {
    if (problems !== this.#said && problems !== '') this.#context.log('warn', `collector keepalived: ${problems}`);
    this.#said = problems;
  }

  async #data(processes: Processes, connected: boolean): Promise<KeepalivedData> {
    const last = this.#last?.epoch === this.#vrrp ? this.#last : undefined;
    return {
      number: processes.number,
      processes: await Promise.all(
        ROLES.filter((r) => processes[r].present || this.#known.has(r)).map((r) => this.#process(r, processes)),
      ),
      ...(this.#loaded !== undefined && processes.parent.process !== undefined && { loaded: this.#loaded.at }),
      reloads: this.#reloads,
      retries: { empty: 0, torn: 0, ...this.#requester?.retries },
      missed: this.#instances.missed,
      instances: states(this.#instances, this.#priorities),
      groups: states(this.#groups, new Map()),
      ...(last !== undefined && { dump: dumpState(last, this.#failure === '', this.#age()) }),
      ...(this.#follower !== undefined && { fifo: { connected, lines: { ...this.#follower.lines } } }),
    };
  }

  async #process(role: Role, processes: Processes): Promise<ProcessState> {
    const { present, process } = processes[role];
    const started = process && (await startSeconds(process.startTicks));
    const restarts = this.#known.get(role)?.restarts ?? 0;
    return { role, up: process !== undefined, pidFile: present, restarts, ...(started !== undefined && { started }) };
  }

  async close(): Promise<void> {
    await this.#follower?.close();
  }
}

function dumpState({ dump, epoch }: { dump: Dump; epoch: string }, success: boolean, ageMs: number): DumpState {
  const { instances, details, took } = dump;
  return { success, ageMs, tookMs: took, instances, epoch, ...(details !== undefined && { details }) };
}

function states(ledger: Ledger, priorities: ReadonlyMap<string, number>): readonly InstanceState[] {
  return [...ledger.entries()].map(([name, entry]) => {
    const priority = priorities.get(name);
    return { name, ...entry, ...(priority !== undefined && entry.state !== undefined && { priority }) };
  });
}
