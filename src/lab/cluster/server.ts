/** One load balancer of the lab's cluster: its data plane, its routing daemon, and its agent, which may end and start again. */
import { mkdirSync } from 'node:fs';
import { Agent, type AgentOptions, type Transition } from '../agent.ts';
import type { Namespaces } from '../netns.ts';
import { balancerText, edgeKeys } from '../routers/balancer.ts';
import { KINDS, type Sockets } from '../routers/daemons.ts';
import type { Program } from '../routers/speaker.ts';
import { World } from '../world.ts';
import { type Balancer, layoutOf } from './topology.ts';
import { PROGRAM } from '../program.ts';

export interface ServerOptions {
  readonly space: Namespaces;
  readonly balancer: Balancer;
  readonly program: Program;
  /** Name of the cluster, members of etcd, and where the certificates are. */
  readonly cluster: string;
  readonly endpoints: readonly string[];
  readonly certificates: string;
  /** Called with every line the agent logs. */
  readonly onLine: (line: string) => void;
}

const OFF = Object.fromEntries(['dpdk', 'dpvs', 'ipvs', 'keepalived', 'logqueue'].map((name) => [name, false]));

export class Server extends World {
  readonly balancer: Balancer;
  readonly #o: ServerOptions;
  #sockets: Sockets | undefined;
  #agent: Agent | undefined;
  /** What earlier processes have said; each forgets when it ends. */
  #before: Transition[] = [];
  /** Releases that an agent here has begun to apply. */
  readonly tried = new Set<number>();

  constructor(options: ServerOptions) {
    super(layoutOf(options.balancer), `${options.space.dir}/${options.balancer.name}`);
    this.#o = options;
    this.balancer = options.balancer;
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
  }

  get name(): string {
    return this.balancer.name;
  }

  /** Where its agent listens: `host:port`. */
  get listen(): string {
    return `${this.layout.agentHost}:${this.layout.agentPort}`;
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error(`no agent was started on ${this.name}`);
    return this.#agent;
  }

  /** Starts data plane and routing daemon. */
  async build(): Promise<void> {
    const { program, space } = this.#o;
    const { n, role } = this.balancer;
    const text = balancerText(program, { ...this.balancer, id: `10.255.0.${n}` });
    const place = { space, role, spawn: (_: string, argv: readonly string[]) => this.spawn('lb', argv) };
    const [sockets] = await Promise.all([KINDS[program].start(place, text), this.startDataplane()]);
    this.#sockets = sockets;
  }

  /** Starts an agent that remembers nothing, or the same one again; it may not be ready yet. */
  startAgent(more: Pick<AgentOptions, 'again' | 'env'> = {}): void {
    const onLine = (line: string) => {
      const release = /release (\d+): appl/.exec(line)?.[1];
      if (release !== undefined) this.tried.add(Number(release));
      this.#o.onLine(line);
    };
    this.#agent = Agent.spawn(this, { ...more, config: this.#config(), onLine });
  }

  /** Ends the agent as by kill -9; what it has said is kept. */
  async killAgent(): Promise<void> {
    await this.remember();
    this.agent.signal('SIGKILL');
  }

  /** Keeps what the agent has said so far. */
  async remember(): Promise<void> {
    this.#before = await this.transitions(0);
  }

  /** What agents here have said since then, oldest first. */
  async transitions(since: number): Promise<Transition[]> {
    const now = await this.#agent!.transitions(since).catch(() => []);
    const known = new Set(now.map(keyOf));
    return [...this.#before.filter((t) => t.t >= since && !known.has(keyOf(t))), ...now];
  }

  /** The file of this server: what is its own. Services, checks and rules come from the cluster. */
  #config(): object {
    const { cluster, endpoints, certificates } = this.#o;
    const { name, nics } = this.balancer;
    const at = (file: string) => `${certificates}/${file}`;
    const tls = { ca: at('ca.pem'), cert: at(`${name}.pem`), key: at(`${name}.key`) };
    const file = this.path('fourlane.yaml');
    // By the product's own command, whichever daemon it is. The agent has asked the budget, so the command does not.
    const words = [`failed) exec ${run('drain --alone --graceful 0s')};;`, `ok) exec ${run('restore --alone')};;`];
    const drain = `case $FOURLANE_STATE in ${words.join(' ')} esac`;
    function run(verb: string): string {
      return `${process.execPath} ${PROGRAM} bgp ${verb} --config ${file}`;
    }
    return {
      cluster: { name: cluster, etcd: { endpoints, tls }, prove: '2s' },
      server: name,
      listen: this.listen,
      control: this.path('control'),
      stateDir: this.path('state'),
      nics: nics.map((nic) => ({ name: nic.name, anchors: [nic.gateway], onFail: ['bgp'] })),
      onIsolated: [{ exec: { command: ['/bin/sh', '-c', drain], timeout: '10s' } }],
      ...edgeKeys(this.balancer),
      collectors: { ...OFF, bgp: { ...this.#sockets, interval: '2s' } },
    };
  }

  protected override enter(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#o.space.name(this.balancer.role)];
  }

  protected override healNetwork(): void {
    // The lab heals the network of all.
  }

  protected override remove(): void {
    // The lab removes the directory with its own.
  }
}

const keyOf = ({ time, subject, verdict, nic, rs, rack }: Transition) => [time, subject, verdict, nic, rs, rack].join(' ');
