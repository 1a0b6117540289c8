/**
 * The members of a real etcd with TLS, each in a network namespace of its own, and the faults they can have. Namespaces,
 * certificates and users are somebody else's to make.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { createWriteStream, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { run } from './netns.ts';
import { until } from './until.ts';

/** Paths of a certificate. */
export interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface EtcdOptions {
  /** Data and logs. */
  readonly dir: string;
  /** Name of the cluster among those whose members might meet. */
  readonly token: string;
  /** Address of each member. */
  readonly addresses: readonly string[];
  /** Namespace of member n, from 1. */
  readonly space: (n: number) => string;
  /** Starts a program for the life of the owner. @param argv the namespace is entered already */
  readonly spawn: (n: number, argv: readonly string[]) => ChildProcess;
  /** Words before a command that let it reach all members. */
  readonly reach: readonly string[];
  /** The certificate of members, and that of the user root. */
  readonly tls: Tls;
  readonly root: Tls;
  /** More flags of etcd. */
  readonly flags?: readonly string[];
  /** Ends every wait. */
  readonly signal?: AbortSignal;
}

const execute = promisify(execFile);
const CLIENTS = 2379;
const PEERS = 2380;
/** Pause between two askings. */
const EVERY_MS = 20;
/** Where a member is reached from its own network only. */
const INSIDE = `https://127.0.0.1:${CLIENTS}`;

export class EtcdMembers {
  /** From 1. */
  readonly members: readonly number[];
  readonly endpoints: readonly string[];
  readonly #options: EtcdOptions;
  readonly #children = new Map<number, ChildProcess>();
  /** Data directories after a restore differ from those before. */
  #generation = 0;

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.members = options.addresses.map((_, k) => k + 1);
    this.endpoints = this.members.map((n) => this.#url(n, CLIENTS));
    mkdirSync(options.dir, { recursive: true });
  }

  #url(n: number, port: number): string {
    return `https://${this.#options.addresses[n - 1]}:${port}`;
  }

  /** Starts a member that does not run. `more`: flags for it alone. */
  boot(n: number, more: readonly string[] = []): void {
    const { dir, tls, flags = [], spawn } = this.#options;
    const { ca, cert, key } = tls;
    const [client, peer] = [this.#url(n, CLIENTS), this.#url(n, PEERS)];
    const all = [
      ['--name', `m${n}`, '--data-dir', this.#data(n), '--log-level', 'warn', '--snapshot-count', '500'],
      ['--listen-client-urls', `${client},${INSIDE}`, '--advertise-client-urls', client],
      ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, ...this.#initial()],
      ['--cert-file', cert, '--key-file', key, '--trusted-ca-file', ca, '--client-cert-auth'],
      ['--peer-cert-file', cert, '--peer-key-file', key, '--peer-trusted-ca-file', ca, '--peer-client-cert-auth'],
      flags,
      more,
    ].flat();
    const child = spawn(n, ['etcd', ...all]);
    const log = createWriteStream(`${dir}/m${n}.log`, { flags: 'a' });
    child.stdout!.pipe(log);
    child.stderr!.pipe(log);
    this.#children.set(n, child);
  }

  /** Processes of the members. */
  pids(): readonly number[] {
    return [...this.#children.values()].map(({ pid }) => pid!);
  }

  /** How many transactions have changed something so far. */
  async revision(): Promise<number> {
    return Number(await this.#ask(1, 'revision'));
  }

  /** A number of a member's status, as text: ids are larger than numbers are exact. */
  async #ask(n: number, field: 'revision' | 'leader' | 'member_id'): Promise<string> {
    const quick = ['--dial-timeout', '1s', '--command-timeout', '1s'];
    const text = await this.ctl([...quick, 'endpoint', 'status', '--write-out', 'json'], [this.#url(n, CLIENTS)]);
    return new RegExp(`"${field}":(\\d+)`).exec(text)![1]!;
  }

  /** Resolves when all threads of the member have stopped, if that is what the signal does: each runs on until it is told. */
  async signal(n: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(n)!;
    child.kill(signal);
    if (signal === 'SIGSTOP') await until('it has stopped', 5000, () => statesOf(child.pid!).every((state) => state === 'T'));
  }

  /** Whether a member's process is there. */
  runs(n: number): boolean {
    const child = this.#children.get(n);
    return child?.exitCode === null && child.signalCode === null;
  }

  /** Resolves when the member is gone. */
  async kill(n: number): Promise<void> {
    if (!this.runs(n)) return;
    const child = this.#children.get(n)!;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** Nothing between a member and its clients passes any more: half-open connections. */
  cutClients(n: number): void {
    this.#nft(n, [`iifname "eth0" tcp dport ${CLIENTS} drop`], [`oifname "eth0" tcp sport ${CLIENTS} drop`]);
  }

  /** Whoever connects to it as a client is refused, and connections are reset: noticed at once. */
  refuseClients(n: number): void {
    const rule = (side: string) => `${side} reject with tcp reset`;
    this.#nft(n, [rule(`iifname "eth0" tcp dport ${CLIENTS}`)], [rule(`oifname "eth0" tcp sport ${CLIENTS}`)]);
  }

  /** A member is cut from the others, and stays in reach of its clients. */
  isolate(n: number): void {
    const others = this.#options.addresses.filter((_, k) => k + 1 !== n).join(', ');
    this.#nft(n, [`ip saddr { ${others} } drop`], [`ip daddr { ${others} } drop`]);
  }

  heal(n: number): void {
    this.#nftIn(n, ['flush', 'ruleset']);
  }

  #nft(n: number, input: readonly string[], output: readonly string[]): void {
    const chain = (hook: string, rules: readonly string[]) =>
      ` chain ${hook} {\n  type filter hook ${hook} priority 0;\n  ${rules.join('\n  ')}\n }\n`;
    this.#nftIn(n, ['-f', '-'], `table inet cut {\n${chain('input', input)}${chain('output', output)}}\n`);
  }

  #nftIn(n: number, argv: readonly string[], script?: string): void {
    run(['ip', 'netns', 'exec', this.#options.space(n), 'nft', ...argv], script);
  }

  /** Number of the member that leads. Rejects when there is none for 20 s. */
  leader(): Promise<number> {
    const ask = async () => {
      for (const n of this.members) {
        try {
          if ((await this.#ask(n, 'leader')) === (await this.#ask(n, 'member_id'))) return n;
        } catch {
          // That member is ill, and does not lead.
        }
      }
      return undefined;
    };
    return until('a leader', 20_000, ask, EVERY_MS, this.#options.signal);
  }

  /** etcdctl as root; its output. */
  ctl(argv: readonly string[], endpoints: readonly string[] = this.endpoints): Promise<string> {
    return this.#ctl(this.#options.reach, argv, endpoints);
  }

  /** etcdctl as root from inside a member's own network: it works while the member is cut from its clients. */
  inside(n: number, argv: readonly string[]): Promise<string> {
    return this.#ctl(['ip', 'netns', 'exec', this.#options.space(n)], argv, [INSIDE]);
  }

  async #ctl(enter: readonly string[], argv: readonly string[], endpoints: readonly string[]): Promise<string> {
    const { ca, cert, key } = this.#options.root;
    const flags = ['--endpoints', endpoints.join(','), '--cacert', ca, '--cert', cert, '--key', key];
    const [command, ...more] = [...enter, 'etcdctl', ...flags, ...argv];
    const env = { ...process.env, ETCDCTL_API: '3' };
    return (await execute(command!, more, { env, maxBuffer: 64 << 20 })).stdout;
  }

  /** Every member answers. */
  async healthy(): Promise<void> {
    const ask = async () => {
      await this.ctl(['endpoint', 'health']);
      return true;
    };
    await until('all members healthy', 30_000, ask, EVERY_MS, this.#options.signal);
  }

  /** Every member begins again from this snapshot, as after a disaster. */
  async restore(snapshot: string): Promise<void> {
    for (const n of this.members) await this.kill(n);
    this.#generation++;
    for (const n of this.members) {
      const own = ['--name', `m${n}`, '--initial-advertise-peer-urls', this.#url(n, PEERS), '--data-dir', this.#data(n)];
      await this.ctl(['snapshot', 'restore', snapshot, ...own, ...this.#initial()]);
    }
    for (const n of this.members) this.boot(n);
    await this.healthy();
  }

  #initial(): readonly string[] {
    const all = this.members.map((n) => `m${n}=${this.#url(n, PEERS)}`).join(',');
    return ['--initial-cluster', all, '--initial-cluster-token', this.#options.token];
  }

  #data(n: number): string {
    return `${this.#options.dir}/m${n}.${this.#generation}`;
  }

  /** What the members logged. */
  logs(): string {
    return this.members.map((n) => readFileSync(`${this.#options.dir}/m${n}.log`, 'utf8')).join('');
  }
}

/** `R` running, `S` waiting, `T` stopped …, of each thread. */
function statesOf(pid: number): readonly string[] {
  const stat = (thread: string) => readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
  return readdirSync(`/proc/${pid}/task`).map((thread) => stat(thread).split(') ')[1]![0]!);
}
