/** A node whose VRRP follows the verdicts of an agent: two NICs, each behind a switch that can be cut off behind it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readConfig } from '../../src/keepalived/config/config.ts';
import { additionsTo } from '../../src/keepalived/steer/additions.ts';
import { merged } from '../../src/keepalived/steer/snippet.ts';
import { AgentProcess, QUICK, run, serve, writeConfig } from './harness.ts';
import { VrrpNode } from './keepalived-node.ts';

export interface SteeredOptions {
  readonly name: string;
  readonly host: number;
  readonly priority: number;
  /** Priority of the other node. */
  readonly peer: number;
}

interface Changes {
  readonly nopreempt: boolean;
  /** Both nodes have the same priority. */
  readonly equal?: boolean;
}

const VIP = '10.96.1.1';
const NICS = ['up0', 'up1'] as const;
type NicName = (typeof NICS)[number];
const ANCHOR_PORT = 179;
const SERVERS = [1, 2, 3, 4].map((n) => `10.99.0.${n}`);

export class SteeredNode extends VrrpNode {
  readonly name: string;
  /** When the address came, ms of performance.now(). */
  readonly moves: number[] = [];
  hasVip = false;
  readonly #host: number;
  readonly #monitor: ChildProcess;
  static #changes: Changes = { nopreempt: false };

  /** Needs the bridge `br0` and the namespace `rs`. */
  constructor(parent: string, { name, host, priority, peer }: SteeredOptions) {
    const rewrite = (text: string) => steered(join(parent, name), text, peer, SteeredNode.#changes);
    super(parent, { name, host, priority, instances: ['VI'], rewrite });
    this.name = name;
    this.#host = host;
    for (const nic of NICS) this.#plugIn(nic);
    this.#monitor = spawn('ip', ['-n', name, '-o', 'monitor', 'address'], { stdio: ['ignore', 'pipe', 'ignore'] });
    createInterface({ input: this.#monitor.stdout! }).on('line', (line) => {
      if (!line.includes(` ${VIP}/`)) return;
      const has = !line.startsWith('Deleted');
      if (has && !this.hasVip) this.moves.push(performance.now());
      this.hasVip = has;
    });
    process.once('exit', () => this.#monitor.kill());
  }

  close(): void {
    this.#monitor.kill();
  }

  /** A switch of its own: an address of it is the anchor, and a cable leads from it to the real servers. */
  #plugIn(nic: NicName): void {
    const id = this.#id(nic);
    const net = `10.97.${id}`;
    run(`ip link add s${id} type bridge`);
    run(`ip address add ${net}.254/24 dev s${id}`);
    run(`ip link add n${id} type veth peer name ${nic} netns ${this.name}`);
    run(`ip link add r${id} type veth peer name r${id} netns rs`);
    for (const port of [`n${id}`, `r${id}`]) run(`ip link set ${port} master s${id} up`);
    run(`ip link set s${id} up`);
    run(`ip -n ${this.name} address add ${net}.1/24 dev ${nic}`);
    run(`ip -n ${this.name} link set ${nic} up`);
    run(`ip -n ${this.name} route add 10.99.0.0/24 via ${net}.2 dev ${nic} metric ${10 + Number(nic.slice(2))}`);
    run(`ip -n rs address add ${net}.2/24 dev r${id}`);
    run(`ip -n rs link set r${id} up`);
  }

  #id(nic: NicName): number {
    return this.#host * 10 + Number(nic.slice(2));
  }

  /** What is behind the switch is gone; the carrier stays. */
  cut(nic: NicName): void {
    run(`ip link set r${this.#id(nic)} down`);
  }

  mend(nic: NicName): void {
    run(`ip link set r${this.#id(nic)} up`);
  }

  /** Nothing answers behind any NIC, the switches themselves included. */
  isolate(): void {
    for (const nic of NICS) {
      this.cut(nic);
      run(`ip address del 10.97.${this.#id(nic)}.254/24 dev s${this.#id(nic)}`);
    }
  }

  reconnect(): void {
    for (const nic of NICS) {
      run(`ip address add 10.97.${this.#id(nic)}.254/24 dev s${this.#id(nic)}`);
      this.mend(nic);
    }
  }

  /** Another configuration, read by the running keepalived. */
  set(changes: Changes): void {
    SteeredNode.#changes = changes;
    this.configure();
    this.reload();
  }

  /** What the agent has written. */
  file(name: NicName | 'isolated'): string {
    return readFileSync(join(this.dir, name), 'utf8').trim();
  }

  /** Of which the agent has written that they are bad. */
  get bad(): readonly string[] {
    return ([...NICS, 'isolated'] as const).filter((name) => this.file(name) !== '0');
  }

  /** For messages of tests. */
  get shown(): string {
    return `${this.name}: ${this.hasVip ? 'has' : 'lacks'} the address, bad: ${this.bad.join(' ') || 'nothing'}`;
  }

  startAgent(): Promise<AgentProcess> {
    const file = writeConfig(this.dir, {
      listen: '127.0.0.1:0',
      stateDir: join(this.dir, 'state'),
      nics: NICS.map((name) => ({
        name,
        anchors: [`tcp://10.97.${this.#id(name)}.254:${ANCHOR_PORT}`],
        onFail: [{ trackFile: { path: join(this.dir, name) } }],
      })),
      onIsolated: [{ trackFile: { path: join(this.dir, 'isolated') } }],
      services: [
        {
          vip: `${VIP}:80/tcp`,
          check: { type: 'tcp', interval: '200ms', timeout: '150ms' },
          realServers: SERVERS.map((ip) => `${ip}:80`),
        },
      ],
      collectors: { keepalived: false },
      // The same NIC fails in test after test: R13 would keep it out twice as long each time, and after the fourth for good.
      rules: { ...QUICK, nic_hold_down_max_ms: QUICK.nic_hold_down_ms, flap_limit: 1000 },
    });
    return AgentProcess.start(file, { wrap: ['ip', 'netns', 'exec', this.name] });
  }

  /** Names of the present verdicts of its agent. */
  async verdicts(agent: AgentProcess): Promise<readonly string[]> {
    const { text } = await agent.control('/api/v1/verdicts');
    return (JSON.parse(text) as { verdicts: { verdict: string }[] }).verdicts.map(({ verdict }) => verdict);
  }
}

/** The configuration with all that `fourlane keepalived snippet` would have added. */
function steered(dir: string, text: string, peer: number, { nopreempt, equal = false }: Changes): string {
  const quick = text
    .replace('version 2', 'version 3')
    .replace('advert_int 1', 'advert_int 0.5')
    .replace(/ {2}authentication \{[^}]*\}\n/, nopreempt ? '  nopreempt\n' : '')
    .replace(/priority \d+/, (own) => (equal ? 'priority 100' : own));
  const config = readConfig('keepalived.conf', quick);
  const evidence = [...NICS.map((nic) => ({ nic, path: join(dir, nic) })), { nic: '', path: join(dir, 'isolated') }];
  const wish = { evidence, mostNics: 1, peerOf: () => (equal ? 100 : peer), fifo: undefined };
  return merged(config, additionsTo(config, wish)).get('keepalived.conf')!;
}

/** Real servers in `rs`, and the port of the anchors on the switches. @returns what ends them */
export async function serveRealServers(): Promise<(() => unknown)[]> {
  for (const ip of SERVERS) run(`ip -n rs address add ${ip}/32 dev lo`);
  const listener =
    "require('net').createServer((s) => s.on('error', () => {}))" +
    ".listen({port: 80, host: '0.0.0.0'}, () => console.log('up'))";
  const child = spawn('ip', ['netns', 'exec', 'rs', process.execPath, '-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const anchors = await serve(ANCHOR_PORT);
  return [() => child.kill(), anchors.close];
}
