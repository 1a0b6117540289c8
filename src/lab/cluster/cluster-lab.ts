/** The lab of a cluster: three load balancers with agents, etcd, a router, racks and clients. Needs root. */
import { existsSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { ensure } from '../ensure.ts';
import { EtcdMembers } from '../etcd.ts';
import { hostPort, type RuleChanges, sharedConfig } from '../layout.ts';
import { createNamespaces, type Namespaces } from '../netns.ts';
import type { Opening } from '../opening.ts';
import { QUICK_RECOVERY } from '../play.ts';
import { AS } from '../routers/balancer.ts';
import { KINDS } from '../routers/daemons.ts';
import { waysTo } from '../routers/route-log.ts';
import { programOf, type RouterPeer, type Routers } from '../routers/speaker.ts';
import { until } from '../until.ts';
import { type ClientLoad, World } from '../world.ts';
import { Server } from './server.ts';
import { balancerRoutes, balancers, clusterNetwork, ETCD_PORT, etcdAddresses, layoutOf, streams, VIPS } from './topology.ts';
import { PROGRAM } from '../program.ts';

export interface ClusterOptions {
  readonly load?: ClientLoad;
  /** Which routing daemons: default BIRD everywhere. */
  readonly routers?: Routers;
  /** Hears of each step of the start. */
  readonly tell?: (step: string) => void;
  /** Ends the start: what has been begun is removed, and it rejects. */
  readonly signal?: AbortSignal;
  /** Called with every line an agent logs. */
  readonly onLine?: (server: string, line: string) => void;
}

/** How a command ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const PACKAGES = ['iproute2', 'nftables', 'etcd-server', 'etcd-client', 'openssl'];
export const CLUSTER = 'lab';
/**
 * With three servers two others are all that can tell. A rack of three may go at once; all three must be down for it to be named,
 * and on a machine that is busy with all this one of them may be found a moment later.
 */
const RULES: RuleChanges = { ...QUICK_RECOVERY, fleet_min_witnesses: 2, budget_fraction: 0.34, rack_window_rounds: 5 };
const START_MS = 40_000;
const WELL_EVERY_MS = 500;

export class ClusterLab extends World {
  readonly space: Namespaces;
  readonly etcd: EtcdMembers;
  readonly servers: readonly Server[];
  readonly #routers: Routers;
  readonly #closing = new AbortController();
  #files = 0;

  private constructor({ routers = 'bird', onLine = () => undefined }: ClusterOptions) {
    const space = createNamespaces(clusterNetwork);
    super(layoutOf(balancers[0]!), space.dir);
    this.space = space;
    this.#routers = routers;
    const certificates = this.#certificates;
    const tls = (name: string) => ({
      ca: `${certificates}/ca.pem`,
      cert: `${certificates}/${name}.pem`,
      key: `${certificates}/${name}.key`,
    });
    this.etcd = new EtcdMembers({
      dir: this.path('etcd'),
      token: space.prefix,
      addresses: etcdAddresses,
      space: (n) => space.name(`etcd${n}`),
      spawn: (n, argv) => this.spawn(`etcd${n}`, argv),
      reach: this.enter('mgmt'),
      tls: tls('etcd'),
      root: tls('root'),
      signal: this.closing,
    });
    const { endpoints } = this.etcd;
    this.servers = balancers.map(
      (balancer, k) =>
        new Server({
          space,
          balancer,
          program: programOf(routers, k + 1),
          cluster: CLUSTER,
          endpoints,
          certificates,
          onLine: (line) => onLine(balancer.name, line),
        }),
    );
  }

  /** Builds the network, etcd and its users, starts everything, makes the first release; resolves when all is well. */
  static async start(options: ClusterOptions = {}): Promise<ClusterLab> {
    const { load = {}, routers = 'bird', tell = () => undefined, signal } = options;
    const programs = new Set([0, ...balancers.keys()].map((k) => programOf(routers, k)));
    ensure([...PACKAGES, ...[...programs].map((program) => KINDS[program].package)]);
    const lab = new ClusterLab(options);
    const close = () => lab.close();
    process.once('exit', close);
    signal?.addEventListener('abort', close, { once: true });
    try {
      await lab.#begin(load, tell);
      return lab;
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  async #begin(load: ClientLoad, tell: (step: string) => void): Promise<void> {
    const { prefix } = this.space;
    const size = clusterNetwork.roles.length;
    tell(`Built a network of ${size} namespaces (${prefix}-*): 3 load balancers, their router, 3 racks, clients, etcd.`);
    await Promise.all([this.#startEtcd(tell), this.#startRouter(), ...this.startRacks(), ...this.servers.map((s) => s.build())]);
    await this.startClient(load, streams);
    tell('The agents start.');
    for (const server of this.servers) server.startAgent();
    const { out } = await this.expect(0, 'release', this.release(), '--why', 'the first one');
    tell(`fourlane cluster release: ${out.trim().split('\n').slice(-2).join('; ')}.`);
    await this.well(START_MS);
  }

  /** It is being closed: nothing is waited for any more. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get #certificates(): string {
    return this.path('certificates');
  }

  /** The file with which `fourlane cluster` finds this cluster from inside the network for etcd. */
  get #clusterFile(): string {
    return `${this.#certificates}/cluster.yaml`;
  }

  async #startEtcd(tell: (step: string) => void): Promise<void> {
    const places = balancers.flatMap(({ name, ring, rack }) => ['--server', `${name}:ring=${ring},rack=${rack}`]);
    const argv = ['init', '--name', CLUSTER, '--etcd', etcdAddresses.join(), ...places, '--dir', this.#certificates];
    // Without etcd it makes the certificates that etcd needs; with etcd, users and roles.
    const EXIT_UNREACHABLE = 6;
    await this.expect(EXIT_UNREACHABLE, ...argv);
    for (const n of this.etcd.members) this.etcd.boot(n);
    await this.etcd.healthy();
    await this.expect(0, ...argv);
    tell('etcd has three members, certificates, users and roles (fourlane cluster init).');
  }

  async #startRouter(): Promise<void> {
    const kind = KINDS[programOf(this.#routers, 0)];
    const peers = balancers.flatMap(({ nics }) =>
      nics.map(({ far, address }): RouterPeer => ({ name: far, address, as: AS.balancers, gets: 'default', calls: true })),
    );
    const text = kind.router({ id: '10.255.255.1', as: AS.routers, devices: ['b*'], peers });
    await kind.start({ space: this.space, role: 'tor', spawn: (role, argv) => this.spawn(role, argv) }, text);
  }

  /** `fourlane cluster …`, as an operator types it. */
  async fourlane(...argv: string[]): Promise<Ran> {
    const where = argv[0] === 'init' ? [] : ['--cluster', this.#clusterFile];
    const child = this.spawn('mgmt', [process.execPath, PROGRAM, 'cluster', ...argv, ...where, '--by', 'operator@lab']);
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout!.setEncoding('utf8').on('data', (text: string) => void out.push(text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => void err.push(text));
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve(status ?? -1));
    });
    return { code, out: out.join(''), err: err.join('') };
  }

  /** The same; rejects when it ends with another exit code. */
  async expect(code: number, ...argv: string[]): Promise<Ran> {
    const ran = await this.fourlane(...argv);
    if (ran.code !== code) throw new Error(`fourlane cluster ${argv[0]} ended with ${ran.code}: ${ran.out}${ran.err}`);
    return ran;
  }

  /** A file for `fourlane cluster release`: the lab's services, with changes of the check. @returns its path */
  release(check: object = {}): string {
    const shared = sharedConfig(this.layout, RULES) as { checks: { web: object } };
    const path = this.path(`services-${++this.#files}.yaml`);
    writeFileSync(path, stringify({ ...shared, checks: { web: { ...shared.checks.web, ...check } } }));
    return path;
  }

  /** Loads an nftables script in a namespace; `heal` flushes it. */
  nft(role: string, script: string): void {
    this.space.run(role, ['nft', '-f', '-'], script);
  }

  /** Interfaces by which the router sends what is for a prefix. */
  waysTo(prefix: string): readonly string[] {
    return waysTo({ space: this.space, role: 'tor' }, prefix);
  }

  /** Resolves when nothing is said or reduced, the release runs, everybody hears all others, and all VIPs are announced. */
  async well(limitMs: number): Promise<void> {
    const ask = async () => {
      const why = (await Promise.all(this.servers.map((server) => this.#unwell(server)))).find((text) => text !== '');
      if (why !== undefined) throw new Error(why);
      return true;
    };
    await until('all is well', limitMs, ask, WELL_EVERY_MS, this.closing);
  }

  async #unwell({ name, agent, balancer }: Server): Promise<string> {
    if (agent.ended !== undefined) return `the agent of ${name} ended (${agent.ended}): ${agent.tail()}`;
    const why = await agent.unsettled();
    if (why !== '') return `${name}: ${why}`;
    const text = await agent.get<string>('/metrics');
    const value = (metric: string) => Number(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
    if (value('fourlane_cluster_connected') !== 1) return `${name} is not connected to etcd`;
    if (value('fourlane_cluster_release_matches') !== 1) return `${name} does not run its release`;
    if (value('fourlane_cluster_witnesses') !== this.servers.length - 1) return `${name} does not hear all others`;
    const ways = Object.values(VIPS).map((vip) => this.waysTo(`${vip}/32`));
    const missing = balancer.nics.find(({ far }) => ways.some((devices) => !devices.includes(far)));
    return missing === undefined ? '' : `${name}: the router has no route to every VIP by ${missing.name}`;
  }

  /**
   * Sockets in the lab's directory for the members of etcd. Once ports on 127.0.0.1 lead to them, `fourlane cluster` reaches etcd
   * from anywhere on this machine, with the file of `writeOperatorFile`.
   */
  async openEtcd(): Promise<readonly string[]> {
    const openings = etcdAddresses.map((host, k): Opening => ({ from: this.path(`etcd${k + 1}.sock`), host, port: ETCD_PORT }));
    await this.program('mgmt', 'opening.ts', openings);
    return openings.map(({ from }) => from);
  }

  /** See `openEtcd`. @returns the file */
  writeOperatorFile(ports: readonly number[]): string {
    const at = (name: string) => `${this.#certificates}/${name}`;
    const tls = { ca: at('ca.pem'), cert: at('api.pem'), key: at('api.key') };
    const endpoints = ports.map((port) => `https://${hostPort('127.0.0.1', port)}`);
    writeFileSync(this.path('cluster.yaml'), stringify({ cluster: { name: CLUSTER, etcd: { endpoints, tls } } }));
    return this.path('cluster.yaml');
  }

  override async pauses(since: number): Promise<string[]> {
    const ofServer = async (server: Server) => (await server.pauses(since)).map((pause) => `${server.name}: ${pause}`);
    return (await Promise.all([super.pauses(since), ...this.servers.map(ofServer)])).flat();
  }

  /** Everything that a scenario has broken is repaired: network, real servers, members of etcd, agents. */
  override async heal(): Promise<void> {
    await super.heal();
    for (const n of this.etcd.members) if (!this.etcd.runs(n)) this.etcd.boot(n);
    for (const server of this.servers) if (server.agent.ended !== undefined) server.startAgent({ again: true });
  }

  override close(): void {
    this.#closing.abort();
    for (const server of this.servers) server.close();
    super.close();
  }

  protected override enter(role: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.space.name(role)];
  }

  protected override healNetwork(): void {
    for (const role of ['tor', ...new Set(this.layout.servers.map(({ rack }) => `rack${rack}`))])
      this.space.run(role, ['nft', 'flush', 'ruleset']);
    for (const { role, nics } of balancers) {
      this.space.ip(
        'tor',
        nics.map(({ far }) => `link set ${far} up`),
      );
      this.space.ip(
        role,
        nics.flatMap((nic) => [`link set ${nic.name} up`, ...balancerRoutes(nic)]),
      );
    }
  }

  protected override remove(): void {
    if (existsSync(this.dir)) this.space.remove();
  }
}
