/** The lab: namespaces plus the processes in them (real servers, data plane, clients), and the means to hurt and heal it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensure } from '../system/ensure.ts';
import type { ClientOptions, Tally } from './client.ts';
import { call } from './control.ts';
import type { DataplaneOptions, Failure } from './dataplane.ts';
import { createNamespaces, type Namespaces } from './netns.ts';
import type { RealServerSetting } from './realservers.ts';
import type { Change } from './switchboard.ts';
import { AGENT_PORT, addressOf, PORTS, RACKS, realServers, services, uplinkCommands, uplinks, WEBHOOK_PORT } from './topology.ts';

export class Lab {
  readonly space: Namespaces;
  readonly #children: ChildProcess[] = [];
  #closed = false;

  private constructor(space: Namespaces) {
    this.space = space;
  }

  /** Builds the network and starts everything but the agent. Installs what is missing as root. */
  static async start(clients: { rate?: number; timeoutMs?: number } = {}): Promise<Lab> {
    ensure(['iproute2', 'nftables']);
    const lab = new Lab(createNamespaces());
    try {
      await Promise.all([...lab.#startRacks(), lab.#startDataplane()]);
      await lab.#startClient(clients.rate ?? 20, clients.timeoutMs ?? 1000);
    } catch (e) {
      lab.close();
      throw e;
    }
    return lab;
  }

  /** Path of a socket or file of this lab. */
  path(name: string): string {
    return `${this.space.dir}/${name}`;
  }

  /** Where the agent's HTTP port can be reached from outside. */
  get agentSocket(): string {
    return this.path('agent.sock');
  }

  /**
   * Starts a program in a namespace. It dies with this process, whatever ends it (parent death signal), and is out of reach of the
   * terminal's Ctrl-C, which is for the owner to handle.
   */
  spawn(role: string, argv: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
    const args = ['netns', 'exec', this.space.name(role), 'setpriv', '--pdeathsig', 'KILL', '--', ...argv];
    const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
    this.#children.push(child);
    return child;
  }

  /** Requests begun in a span of time (ms of `now()`), per service. */
  tally(since: number, until: number): Promise<Record<string, Tally>> {
    return call(this.path('client.sock'), `/tally?since=${since}&until=${until}`);
  }

  /** What the agent changed in the data plane since then. */
  changes(since = 0): Promise<Change[]> {
    return call(this.path('dataplane.sock'), `/changes?since=${since}`);
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
        const rack = realServers.find((r) => r.name === body.rs)?.rack;
        return call(this.path(`rack${rack}.sock`), '/set', { body });
      }),
    );
  }

  /** Loads an nftables script in a namespace; `heal` flushes it. */
  nft(role: string, script: string): void {
    this.space.run(role, ['nft', '-f', '-'], script);
  }

  /** Undoes every fault: rules, links, routes, real servers. Idempotent. */
  async heal(): Promise<void> {
    for (const u of uplinks) {
      this.space.run(u.tor, ['nft', 'flush', 'ruleset']);
      this.space.ip(u.tor, ['link set lb up']);
      this.space.ip('lb', uplinkCommands(u));
    }
    for (let k = 1; k <= RACKS; k++) this.space.run(`rack${k}`, ['nft', 'flush', 'ruleset']);
    await this.set(...realServers.map((r) => ({ rs: r.name, refuse: false, health: 200 })));
  }

  /** Ends every process and removes the namespaces. Synchronous, idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const child of this.#children) child.kill('SIGKILL');
    this.space.remove();
  }

  #startRacks(): Promise<void>[] {
    return Array.from({ length: RACKS }, (_, k) => {
      const servers = realServers.filter((r) => r.rack === k + 1).map((r) => ({ name: r.name, ips: [r.ip, r.ip6] }));
      return this.#node(`rack${k + 1}`, 'realservers.ts', { control: this.path(`rack${k + 1}.sock`), servers, ports: PORTS });
    });
  }

  #startDataplane(): Promise<void> {
    const options: DataplaneOptions = {
      control: this.path('dataplane.sock'),
      agentSocket: this.agentSocket,
      agentPort: AGENT_PORT,
      webhookPort: WEBHOOK_PORT,
      services: services.map((s) => ({
        name: s.name,
        nics: s.nics,
        realServers: s.realServers.map((r) => addressOf(s, r)),
        vip: s.vip,
        port: 80,
      })),
      sources: Object.fromEntries(uplinks.map((u) => [u.nic, { 4: u.source, 6: u.source6 }])),
    };
    return this.#node('lb', 'dataplane.ts', options);
  }

  #startClient(rate: number, timeoutMs: number): Promise<void> {
    const options: ClientOptions = {
      control: this.path('client.sock'),
      rate,
      timeoutMs,
      services: services.map((s) => ({ name: s.name, host: s.vip, port: 80 })),
    };
    return this.#node('client', 'client.ts', options);
  }

  /** Starts one of the lab's own programs and waits for its line `ready`. */
  #node(role: string, file: string, options: object): Promise<void> {
    const child = this.spawn(role, [process.execPath, fileURLToPath(new URL(file, import.meta.url)), JSON.stringify(options)]);
    return new Promise((resolve, reject) => {
      let errors = '';
      child.stderr!.setEncoding('utf8').on('data', (d: string) => {
        errors += d;
        if (!this.#closed) process.stderr.write(`[lab ${role}] ${d}`);
      });
      child.stdout!.setEncoding('utf8').on('data', (d: string) => d.includes('ready') && resolve());
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the lab's ${file} in ${role} ended with ${code}: ${errors.trim()}`)));
    });
  }
}
