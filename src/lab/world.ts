/**
 * What a lab is made of wherever it runs: processes with control sockets in one directory, and the calls that steer and question
 * them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ClientOptions, Stream } from './client.ts';
import { call } from './control.ts';
import type { DataplaneOptions, Failure } from './dataplane.ts';
import { agentConfig, type Layout, type RuleChanges } from './layout.ts';
import { type Pause, tellPause } from './pauses.ts';
import type { RealServerSetting } from './realservers.ts';
import type { Change } from './switchboard.ts';
import { type Counted, type Phases, phaseSpans, type Requests } from './tally.ts';

export interface ClientLoad {
  /** Requests per second and service; default 20. */
  readonly rate?: number;
  /** After which a client gives up; default 1000. */
  readonly timeoutMs?: number;
}

export abstract class World {
  readonly layout: Layout;
  /** Directory for sockets, state and logs; removed with the world. */
  readonly dir: string;
  readonly #children: ChildProcess[] = [];
  readonly #serving = new Set<string>();
  #closed = false;

  constructor(layout: Layout, dir: string) {
    this.layout = layout;
    this.dir = dir;
  }

  /** The agent's configuration. */
  agentConfig(rules: RuleChanges = {}): object {
    return agentConfig(this.layout, { stateDir: this.path('state'), control: this.path('control') }, rules);
  }

  /** What is not as in the beginning although no agent shows it; '' when nothing. */
  unwell(): string {
    return '';
  }

  /** What became of routes since a fault, as lines; `healedAt` likewise in ms of the lab's clock. */
  routesSince(_faultAt: number, _healedAt: number): readonly string[] {
    return [];
  }

  /** Words before a command that make it run in that part of the world. */
  protected abstract enter(role: string): readonly string[];
  /** Undoes every fault of the network. */
  protected abstract healNetwork(): void;
  /** Removes what is not a process. Synchronous. */
  protected abstract remove(): void;

  /** Path of a socket or file of this world. */
  path(name: string): string {
    return `${this.dir}/${name}`;
  }

  /** Where the agent's HTTP port can be reached from outside. */
  get agentSocket(): string {
    return this.path('agent.sock');
  }

  /**
   * Starts a program in a part of the world. It dies with this process, whatever ends it (parent death signal), and is out of
   * reach of the terminal's Ctrl-C, which is for the owner to handle.
   */
  spawn(role: string, argv: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
    const [command, ...args] = [...this.enter(role), 'setpriv', '--pdeathsig', 'KILL', '--', ...argv];
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
    this.#children.push(child);
    return child;
  }

  /** Requests of a span of time (ms of `now()`), per service. */
  tally(since: number, until: number, counted: Counted = 'begun'): Promise<Requests> {
    return call(this.path('client.sock'), `/tally?since=${since}&until=${until}&counted=${counted}`);
  }

  /** Requests before, during and after a fault that struck at `t1` and was over at `t2`; each is counted once. */
  async phases(t0: number, t1: number, t2: number, t3: number): Promise<Phases> {
    const spans = phaseSpans(t0, t1, t2, t3);
    const [before, during, after] = await Promise.all([
      this.tally(...spans.before),
      this.tally(...spans.during),
      this.tally(...spans.after),
    ]);
    return { before, during, after };
  }

  /** What the agent changed in the data plane since then. */
  changes(since = 0): Promise<Change[]> {
    return call(this.path('dataplane.sock'), `/changes?since=${since}`);
  }

  /** When the programs that serve traffic did not run since then, as lines. */
  async pauses(since: number): Promise<string[]> {
    const told = [...this.#serving].map(async (program) => {
      // Of one that was killed nothing is known.
      const pauses = await call<Pause[]>(this.path(`${program}.sock`), '/pauses').catch(() => []);
      return pauses.filter(({ at, ms }) => at + ms >= since).map((pause) => tellPause(program, pause, since));
    });
    return (await Promise.all(told)).flat();
  }

  /** Connections that the data plane could not carry, by slice and real server. */
  failures(since = 0): Promise<Failure[]> {
    return call(this.path('dataplane.sock'), `/failures?since=${since}`);
  }

  /** What is not fully enabled in the data plane, and how many webhook calls and connections it has seen. */
  dataplane(): Promise<{ reduced: Record<string, number>; announcements: number; carried: number }> {
    return call(this.path('dataplane.sock'), '/state');
  }

  /** Everything enabled again, logs empty: as if the data plane had been restarted. */
  async resetDataplane(): Promise<void> {
    await call(this.path('dataplane.sock'), '/reset', { method: 'POST' });
  }

  /** Changes real servers by name. */
  async set(...settings: readonly RealServerSetting[]): Promise<void> {
    await Promise.all(
      settings.map((body) => {
        const rack = this.layout.servers.find((resolve) => resolve.name === body.rs)?.rack;
        return call(this.path(`rack${rack}.sock`), '/set', { body });
      }),
    );
  }

  /** Undoes every fault: rules, links, routes, real servers. Idempotent. */
  async heal(): Promise<void> {
    this.healNetwork();
    await this.set(...this.layout.servers.map((resolve) => ({ rs: resolve.name, refuse: false, health: 200 })));
  }

  /** Ends every process and removes the rest. Synchronous, idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const child of this.#children) child.kill('SIGKILL');
    this.remove();
  }

  /** Starts real servers, data plane and clients, in this order; on failure closes the world and rejects. */
  protected async populate(load: ClientLoad, streams?: readonly Stream[]): Promise<void> {
    try {
      await Promise.all([...this.startRacks(), this.startDataplane()]);
      await this.startClient(load, streams);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Starts the real servers, rack by rack. */
  protected startRacks(): Promise<void>[] {
    const { servers, ports } = this.layout;
    return [...new Set(servers.map((resolve) => resolve.rack))].map((k) => {
      const own = servers.filter((resolve) => resolve.rack === k).map((resolve) => ({ name: resolve.name, ips: resolve.ips }));
      return this.program(`rack${k}`, 'realservers.ts', { control: this.#control(`rack${k}`), servers: own, ports });
    });
  }

  /** Control socket of a program that serves traffic. */
  #control(program: string): string {
    this.#serving.add(program);
    return this.path(`${program}.sock`);
  }

  /** Starts the data plane of the load balancer. */
  protected startDataplane(): Promise<void> {
    const options: DataplaneOptions = {
      control: this.#control('dataplane'),
      agentSocket: this.agentSocket,
      agentPort: this.layout.agentPort,
      agentHost: this.layout.agentHost ?? '127.0.0.1',
      webhookPort: this.layout.webhookPort,
      services: this.layout.services.map((service) => ({
        ...service,
        realServers: service.realServers.map((resolve) => resolve.address),
      })),
      sources: Object.fromEntries(this.layout.nics.map((nic) => [nic.name, nic.sources])),
    };
    return this.program('lb', 'dataplane.ts', options);
  }

  /** Starts clients of these streams; left out: of each service. */
  protected startClient(load: ClientLoad, streams?: readonly Stream[]): Promise<void> {
    const services = streams ?? this.layout.services.map(({ name, host, port }) => ({ name, host, port }));
    const options: ClientOptions = {
      control: this.#control('client'),
      rate: load.rate ?? 20,
      timeoutMs: load.timeoutMs ?? 1000,
      services,
    };
    return this.program('client', 'client.ts', options);
  }

  /** Starts a program (a file beside this one, or an absolute path) with its options, and waits for its line `ready`. */
  program(role: string, file: string, options: object): Promise<void> {
    const child = this.spawn(role, [process.execPath, fileURLToPath(new URL(file, import.meta.url)), JSON.stringify(options)]);
    return new Promise((resolve, reject) => {
      let errors = '';
      child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
        errors += chunk;
        if (!this.#closed) process.stderr.write(`[lab ${role}] ${chunk}`);
      });
      child.stdout!.setEncoding('utf8').on('data', (chunk: string) => chunk.includes('ready') && resolve());
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the lab's ${file} in ${role} ended with ${code}: ${errors.trim()}`)));
    });
  }
}
