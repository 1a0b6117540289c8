/** Three real agents of one cluster, a real etcd, an operator's commands, and clients of what the agents decide. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterStatus } from '../../src/model/cluster-status.ts';
import { AgentProcess, loopbackServers, QUICK, serve, until, writeConfig } from '../system/harness.ts';
import { ANSWER, Clients } from './clients.ts';
import type { EtcdCluster } from './cluster.ts';
import { Operator } from './operator.ts';

export const RINGS = { 'lb-01': 'canary', 'lb-02': 'rest', 'lb-03': 'rest' } as const;
export type Server = keyof typeof RINGS;
export const SERVERS = Object.keys(RINGS) as Server[];
const NAME = 'edge-5';
const NICS = ['eth2', 'eth3'];
/** Services that clients ask for; a release may have two more. */
const SERVICES = 10;
const MOST_SERVICES = 12;
const EACH = 3;

export interface Content {
  readonly weight?: number;
  /** Keys of the first service. */
  readonly more?: object;
  readonly count?: number;
}

export interface Started {
  /** Commands before the agent's, such as faketime. */
  readonly wrap?: readonly string[];
  /** `apply@3`: see src/daemon/kill-at.ts. */
  readonly killAt?: string;
}

export class RealFleet {
  readonly dir: string;
  readonly operator: Operator;
  readonly agents = new Map<Server, AgentProcess>();
  etcd!: EtcdCluster;
  clients!: Clients;
  #addresses: readonly string[] = [];
  #hook = '';
  #weight = 1;

  private constructor(dir: string) {
    this.dir = dir;
    const places = SERVERS.map((server) => [server, `ring=${RINGS[server]},rack=r-${server}`]);
    this.operator = new Operator({ dir, name: NAME, servers: Object.fromEntries(places) });
  }

  /** Everything runs the first release, and clients are served. What was started ends when something fails. */
  static async start(dir: string): Promise<RealFleet> {
    mkdirSync(dir, { recursive: true });
    const fleet = new RealFleet(dir);
    ({ etcd: fleet.etcd } = await fleet.operator.init());
    try {
      await fleet.#begin();
      return fleet;
    } catch (error) {
      await fleet.end();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const { port } = await serve(0, (socket) => socket.end(ANSWER));
    this.#addresses = loopbackServers(MOST_SERVICES + EACH, port);
    const services = Array.from({ length: MOST_SERVICES }, (_, k) => ({
      name: `web${k}`,
      nics: NICS,
      realServers: this.#addresses.slice(k, k + EACH),
    }));
    this.clients = new Clients(SERVERS, services, SERVICES);
    this.#hook = await this.clients.begin();
    // All of them are waited for: one that failed must not leave another that still starts.
    const started = await Promise.allSettled(SERVERS.map((server) => this.start(server)));
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    await this.operator.expect(0, 'release', this.file(), '--why', 'first');
    await this.isWell();
  }

  /** A file of services of three real servers each; the first real server has this weight, by default another than before. */
  file({ weight = (this.#weight % 100) + 1, more = {}, count = SERVICES }: Content = {}): string {
    this.#weight = weight;
    const services = Array.from({ length: count }, (_, k) => ({
      name: `web${k}`,
      vip: `10.0.0.${k + 1}:80/tcp`,
      check: { type: 'tcp', interval: '200ms' },
      actuator: { webhook: { url: this.#hook } },
      realServers: this.#addresses
        .slice(k, k + EACH)
        .map((address, i) => ({ address, weight: k === 0 && i === 0 ? weight : 100 })),
      ...(k === 0 ? more : {}),
    }));
    return this.operator.file(JSON.stringify({ rules: QUICK, services }));
  }

  async start(server: Server, { wrap = [], killAt }: Started = {}): Promise<AgentProcess> {
    const { operator, etcd, dir } = this;
    const body = {
      cluster: { name: NAME, etcd: { endpoints: etcd.endpoints, tls: operator.tls(server) }, prove: '300ms' },
      server,
      listen: '127.0.0.1:0',
      stateDir: join(dir, server),
      nics: NICS.map((name, i) => ({ name, device: 'lo', source: `127.0.0.${i + 2}` })),
    };
    const env = killAt === undefined ? [] : ['env', `FOURLANE_CHAOS_KILL_AT=${killAt}`];
    const agent = await AgentProcess.start(writeConfig(dir, body, `${server}.yaml`), { wrap: [...wrap, ...env] });
    this.agents.set(server, agent);
    return agent;
  }

  async restart(server: Server, started: Started = {}): Promise<AgentProcess> {
    await this.agents.get(server)!.end('SIGTERM');
    return this.start(server, started);
  }

  /** A release that all apply; rejects with what the command says when they do not. */
  async release(why: string, timeout = '60s'): Promise<void> {
    await this.operator.expect(0, 'release', this.file(), '--why', why, '--urgent', '--timeout', timeout);
  }

  async status(): Promise<ClusterStatus> {
    return (await this.operator.json('status')) as ClusterStatus;
  }

  /** Every server runs what it should, and says so. */
  async isWell(limitMs = 40_000): Promise<void> {
    await until('the cluster is well', limitMs, async () => {
      const { code, out } = await this.operator.run('status');
      if (code !== 0) throw new Error(out);
      return true;
    });
  }

  /** Roots that run, without repetition. */
  async roots(): Promise<readonly (string | null)[]> {
    return [...new Set((await this.status()).servers.map(({ running }) => running))];
  }

  async end(): Promise<void> {
    this.clients?.end();
    await Promise.all([...this.agents.values()].map((agent) => agent.end()));
    await this.etcd.stop();
  }
}
