/**
 * A real etcd of three members with TLS and users, each member in a network namespace of its own, and the faults it can have. It
 * runs inside the network of a system test (`test/run/isolation.ts`), which ends with it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import type { EtcdTls } from '../../src/model/plan.ts';
import { type Access, grantAccess } from '../../src/cluster/setup/access.ts';
import { certificateFiles, makeCertificates, type Wanted } from '../../src/cluster/setup/certificates.ts';
import { Caller } from '../../src/cluster/transport/caller.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { type Method, METHODS } from '../../src/cluster/wire/methods.ts';
import { readMembers, readStatus } from '../../src/cluster/wire/members.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { run } from '../../src/lab/netns.ts';
import { until } from '../until.ts';

export const CLUSTER = 'edge-1';
export const PREFIX = `/fourlane/${CLUSTER}/`;
const MEMBERS = [1, 2, 3] as const;
const DAYS = 2;
const OWN = { permission: 'readwrite', prefix: false } as const;
const READ_ALL = { permission: 'read', key: PREFIX, prefix: true } as const;
const USERS: readonly Access[] = [
  { user: 'api', grants: [{ permission: 'readwrite', key: PREFIX, prefix: true }] },
  ...['lb-01', 'lb-02'].map((user) => ({
    user,
    grants: [READ_ALL, ...['member', 'applied'].map((kind) => ({ ...OWN, key: `${PREFIX}${kind}/${user}` }))],
  })),
];
const NAMES = ['root', 'stranger', ...USERS.map(({ user }) => user)];

const execute = promisify(execFile);

export interface EtcdOptions {
  /** Where members and certificates are; made, and removed in the end. */
  readonly dir: string;
  /** More flags of etcd. */
  readonly flags?: readonly string[];
}

export const addressOf = (n: number) => `10.99.0.${n}`;
const clientUrl = (n: number) => `https://${addressOf(n)}:2379`;
const peerUrl = (n: number) => `https://${addressOf(n)}:2380`;
/** Where a member is reached from its own network only. */
const INSIDE = 'https://127.0.0.1:2379';
const space = (n: number) => `etcd${n}`;

export class EtcdCluster {
  readonly endpoints = MEMBERS.map(clientUrl);
  readonly #dir: string;
  readonly #flags: readonly string[];
  readonly #children = new Map<number, ChildProcess>();
  /** Data directories after a restore differ from those before. */
  #generation = 0;

  private constructor({ dir, flags = [] }: EtcdOptions) {
    this.#dir = dir;
    this.#flags = flags;
  }

  static async start(options: EtcdOptions): Promise<EtcdCluster> {
    ensure(['etcd-server', 'etcd-client', 'openssl', 'nftables', 'iproute2']);
    const cluster = new EtcdCluster(options);
    mkdirSync(options.dir, { recursive: true });
    const serves = [...MEMBERS.map(addressOf), '127.0.0.1', 'localhost'];
    const users = NAMES.map((name): Wanted => ({ name, days: DAYS }));
    await makeCertificates(cluster.certificates, [{ name: 'server', serves, days: DAYS }, ...users]);
    network();
    for (const n of MEMBERS) cluster.boot(n);
    await cluster.healthy();
    const root = cluster.caller('root');
    await grantAccess(root, USERS);
    root.close();
    return cluster;
  }

  get certificates(): string {
    return `${this.#dir}/certificates`;
  }

  /** Paths of a user's certificate. */
  tls(user: string): EtcdTls {
    return { ca: `${this.certificates}/ca.pem`, ...certificateFiles(this.certificates, user) };
  }

  caller(user: string, endpoints: readonly string[] = this.endpoints): Caller {
    return new Caller({ endpoints, dial: grpcDial(this.tls(user)), clock: () => performance.now(), random: Math.random });
  }

  /** Starts a member that does not run. `more`: flags for it alone. */
  boot(n: number, more: readonly string[] = []): void {
    const { ca, cert, key } = this.tls('server');
    const flags = [
      ['--name', `m${n}`, '--data-dir', this.#data(n), '--log-level', 'warn', '--snapshot-count', '500'],
      ['--listen-client-urls', `${clientUrl(n)},${INSIDE}`, '--advertise-client-urls', clientUrl(n)],
      ['--listen-peer-urls', peerUrl(n), '--initial-advertise-peer-urls', peerUrl(n), ...this.#initial()],
      ['--cert-file', cert, '--key-file', key, '--trusted-ca-file', ca, '--client-cert-auth'],
      ['--peer-cert-file', cert, '--peer-key-file', key, '--peer-trusted-ca-file', ca, '--peer-client-cert-auth'],
      this.#flags,
      more,
    ].flat();
    const child = spawn('ip', ['netns', 'exec', space(n), 'etcd', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(`${this.#dir}/m${n}.log`, { flags: 'a' });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    process.once('exit', () => child.kill('SIGKILL'));
    this.#children.set(n, child);
  }

  /** Processes of the members. */
  pids(): readonly number[] {
    return [...this.#children.values()].map(({ pid }) => pid!);
  }

  /** How many transactions have changed something so far. */
  async revision(): Promise<number> {
    const text = await this.ctl(['endpoint', 'status', '--write-out', 'json'], this.endpoints.slice(0, 1));
    const [{ Status }] = JSON.parse(text) as [{ Status: { header: { revision: number } } }];
    return Status.header.revision;
  }

  signal(n: number, signal: NodeJS.Signals): void {
    this.#children.get(n)!.kill(signal);
  }

  /** Resolves when the member is gone. */
  async kill(n: number): Promise<void> {
    const child = this.#children.get(n)!;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await ended;
  }

  /** Nothing between a member and its clients passes any more: half-open connections. */
  cutClients(n: number): void {
    nft(n, ['iifname "eth0" tcp dport 2379 drop'], ['oifname "eth0" tcp sport 2379 drop']);
  }

  /** Whoever connects to it as a client is refused, and connections are reset: noticed at once. */
  refuseClients(n: number): void {
    const rule = (side: string) => `${side} reject with tcp reset`;
    nft(n, [rule('iifname "eth0" tcp dport 2379')], [rule('oifname "eth0" tcp sport 2379')]);
  }

  /** A member is cut from the others, and stays in reach of its clients. */
  isolate(n: number): void {
    const others = MEMBERS.filter((m) => m !== n)
      .map(addressOf)
      .join(', ');
    nft(n, [`ip saddr { ${others} } drop`], [`ip daddr { ${others} } drop`]);
  }

  heal(n: number): void {
    run(['ip', 'netns', 'exec', space(n), 'nft', 'flush', 'ruleset']);
  }

  /** Number of the member that leads. Rejects when there is none for 20 s. */
  leader(): Promise<number> {
    return until('a leader', 20_000, async () => {
      for (const n of MEMBERS) {
        const caller = this.caller('root', [clientUrl(n)]);
        try {
          const ask = (method: Method) => caller.call(method, Buffer.alloc(0), { timeoutMs: 1000 });
          const { leader } = readStatus(await ask(METHODS.status));
          const found = readMembers(await ask(METHODS.memberList)).find(({ id }) => id === leader);
          if (found !== undefined) return Number(found.name.slice(1));
        } catch {
          // That member is ill; another one answers.
        } finally {
          caller.close();
        }
      }
      return undefined;
    });
  }

  /** etcdctl as root; its output. */
  async ctl(argv: readonly string[], endpoints: readonly string[] = this.endpoints): Promise<string> {
    const { ca, cert, key } = this.tls('root');
    const flags = ['--endpoints', endpoints.join(','), '--cacert', ca, '--cert', cert, '--key', key];
    const env = { ...process.env, ETCDCTL_API: '3' };
    return (await execute('etcdctl', [...flags, ...argv], { env, maxBuffer: 64 << 20 })).stdout;
  }

  /** etcdctl as root from inside a member's own network: it works while the member is cut from its clients. */
  async inside(n: number, argv: readonly string[]): Promise<string> {
    const { ca, cert, key } = this.tls('root');
    const flags = ['--endpoints', INSIDE, '--cacert', ca, '--cert', cert, '--key', key];
    const env = { ...process.env, ETCDCTL_API: '3' };
    return (await execute('ip', ['netns', 'exec', space(n), 'etcdctl', ...flags, ...argv], { env })).stdout;
  }

  /** Every member answers. */
  async healthy(): Promise<void> {
    await until('all members healthy', 30_000, async () => {
      await this.ctl(['endpoint', 'health']);
      return true;
    });
  }

  /** Every member begins again from this snapshot, as after a disaster. */
  async restore(snapshot: string): Promise<void> {
    for (const n of MEMBERS) await this.kill(n);
    this.#generation++;
    for (const n of MEMBERS) {
      const own = ['--name', `m${n}`, '--initial-advertise-peer-urls', peerUrl(n), '--data-dir', this.#data(n)];
      await this.ctl(['snapshot', 'restore', snapshot, ...own, ...this.#initial()]);
    }
    for (const n of MEMBERS) this.boot(n);
    await this.healthy();
  }

  #initial(): readonly string[] {
    const members = MEMBERS.map((n) => `m${n}=${peerUrl(n)}`).join(',');
    return ['--initial-cluster', members, '--initial-cluster-token', CLUSTER];
  }

  #data(n: number): string {
    return `${this.#dir}/m${n}.${this.#generation}`;
  }

  /** What the members logged. */
  logs(): string {
    return MEMBERS.map((n) => readFileSync(`${this.#dir}/m${n}.log`, 'utf8')).join('');
  }

  async stop(): Promise<void> {
    for (const n of MEMBERS) await this.kill(n);
    for (const n of MEMBERS) run(['ip', 'netns', 'del', space(n)]);
    run(['ip', 'link', 'del', 'etcdbr']);
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function network(): void {
  run(['ip', 'link', 'add', 'etcdbr', 'type', 'bridge']);
  run(['ip', 'address', 'add', '10.99.0.254/24', 'dev', 'etcdbr']);
  run(['ip', 'link', 'set', 'etcdbr', 'up']);
  for (const n of MEMBERS) {
    run(['ip', 'netns', 'add', space(n)]);
    run(['ip', 'link', 'add', `etcdv${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space(n)]);
    run(['ip', 'link', 'set', `etcdv${n}`, 'master', 'etcdbr', 'up']);
    run(['ip', '-n', space(n), 'address', 'add', `${addressOf(n)}/24`, 'dev', 'eth0']);
    for (const device of ['eth0', 'lo']) run(['ip', '-n', space(n), 'link', 'set', device, 'up']);
  }
}

function nft(n: number, input: readonly string[], output: readonly string[]): void {
  const chain = (hook: string, rules: readonly string[]) =>
    ` chain ${hook} {\n  type filter hook ${hook} priority 0;\n  ${rules.join('\n  ')}\n }\n`;
  run(
    ['ip', 'netns', 'exec', space(n), 'nft', '-f', '-'],
    `table inet cut {\n${chain('input', input)}${chain('output', output)}}\n`,
  );
}
