/** Routing daemons without daemons: servers at sockets that answer with the recordings of a state, or as they are told. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reading } from '../../src/collect/collector.ts';
import { BgpSource } from '../../src/collect/bgp/source.ts';
import type { BgpData } from '../../src/collect/bgp/data.ts';
import type { BgpSettings, Plan, SnatSettings } from '../../src/model/plan.ts';
import { uplink } from '../edge/world.ts';

const FIXTURES = new URL('../fixtures/bgp/', import.meta.url);

export function recording(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

const has = (name: string) => existsSync(new URL(name, FIXTURES));
const text = (name: string) => recording(name).toString();

/** What a server does with a command: its answer as sent; undefined: it stays silent. */
export type Answering = (command: string, client: Socket) => Buffer | string | undefined;

/** A server at a unix socket that takes commands which end with `end`. */
export class FakeDaemon {
  readonly path: string;
  /** Every command that came. */
  readonly asked: string[] = [];
  /** Most bytes that waited at once. */
  waited = 0;
  readonly clients = new Set<Socket>();
  answer: Answering;
  readonly #server: Server;

  constructor(path: string, end: string, answer: Answering, greeting = '') {
    this.path = path;
    this.answer = answer;
    this.#server = createServer((client) => {
      this.clients.add(client);
      client.on('close', () => this.clients.delete(client));
      client.on('error', () => undefined);
      if (greeting !== '') client.write(greeting);
      let pending = '';
      client.on('data', (piece: Buffer) => {
        pending += piece.toString();
        this.waited = Math.max(this.waited, Buffer.byteLength(pending));
        for (let at = pending.indexOf(end); at >= 0; at = pending.indexOf(end)) {
          const command = pending.slice(0, at);
          pending = pending.slice(at + end.length);
          this.asked.push(command);
          const reply = this.answer(command, client);
          if (reply !== undefined) client.write(reply);
        }
      });
    });
    this.#server.listen(path);
  }

  close(): void {
    for (const client of this.clients) client.destroy();
    this.#server.close();
  }
}

/** An answer of FRR. */
export function vty(answer: string, status = 0): Buffer {
  return Buffer.concat([Buffer.from(answer), Buffer.of(0, 0, 0, status)]);
}

/** bgpd and bfdd as they were in a state. */
export function frrState(state: string): Answering {
  const folder = `frr-8.4.4/${state}`;
  const file = (name: string, otherwise: string) => vty(has(`${folder}/${name}`) ? text(`${folder}/${name}`) : otherwise);
  return (command) => {
    if (command === 'enable') return vty('');
    if (command === 'show bgp vrf all summary json') return file('summary.json', '{}');
    if (command === 'show bgp vrf all neighbors json') return file('neighbors.json', '{}');
    if (command === 'show bfd peers json') return file('bfd_peers.json', '[]');
    const prefix = /^show bgp (?:vrf red )?ipv[46] unicast (\S+\/\d+) json$/.exec(command)?.[1];
    if (prefix !== undefined)
      return file(state === 'vrf' ? 'prefix.json' : `prefix_${prefix.replace(/[./]/g, '_')}.json`, '{\n}\n');
    const peer = /neighbors (\S+) advertised-routes json$/.exec(command)?.[1];
    if (peer !== undefined) return file(`advertised_${peer}.json`, '{}');
    return vty(`% [BGP] Unknown command: ${command}\n`, 2);
  };
}

const withoutGreeting = (answer: string) => answer.slice(answer.indexOf('\n') + 1);
export const GREETING = '0001 BIRD 2.0.12 ready.\n';

/** BIRD as it was in a state. */
export function birdState(state: string): Answering {
  const folder = `bird-2.0.12/${state}`;
  const file = (name: string) => withoutGreeting(text(`${folder}/${name}`));
  return (command) => {
    if (command === 'restrict') return '0016 Access restricted\n';
    if (command === 'show status') return file('status.txt');
    if (command === 'show protocols all') return file('protocols_all.txt');
    if (command === 'show bfd sessions') return file('bfd.txt');
    const [, prefix, name] = /^show route (?:(\S+) )?export (\w+)$/.exec(command) ?? [];
    if (name === undefined) return '9001 syntax error\n';
    if (prefix === '10.64.0.16/29' && name === 'up_e1') return file('prefix_export.txt');
    // Of e2 nothing is recorded: it exports what e1 did before, with the prefix of its own NIC.
    const before = withoutGreeting(text('bird-2.0.12/established/export_up_e1.txt')).replace('10.64.0.16/29', '10.64.0.24/29');
    const exported = name === 'up_e1' ? file('export_up_e1.txt') : before;
    if (prefix === undefined) return exported;
    const row = exported.split('\n').find((line) => line.trim().startsWith(`${prefix} `));
    return row === undefined ? '8001 Network not found\n' : `1007-Table master4:\n${row}\n0000 \n`;
  };
}

const SNAT: SnatSettings = {
  pool: '10.64.0.0/26',
  servers: 4,
  cores: 16,
  server: 0,
  groups: { e1: 0, e2: 1 },
  announce: ['group', 'server', 'cluster'],
};

/** What the recorded load balancers should announce. */
export const FRR_EDGE: Pick<Plan, 'snat' | 'bgp'> = {
  snat: SNAT,
  bgp: { uplinks: [uplink('e1', '10.1.1.1'), uplink('e2', '10.2.1.1')], vips: [] },
};
export const BIRD_EDGE: Pick<Plan, 'snat' | 'bgp'> = {
  snat: { ...SNAT, server: 1 },
  bgp: { uplinks: [uplink('e1', '10.1.2.1'), uplink('e2', '10.2.2.1')], vips: ['203.0.113.42/32'] } satisfies BgpSettings,
};

export const NETWORKS = [
  { device: 'e1', cidr: '10.1.1.2/30' },
  { device: 'e1', cidr: 'fd00:1:1::2/64' },
  { device: 'e2', cidr: '10.2.1.2/30' },
];

export interface Options {
  readonly edge?: Pick<Plan, 'snat' | 'bgp'>;
  readonly maxTable?: number;
}

/** A machine with sockets of routing daemons in a directory of its own, and a source that reads them. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'fourlane-bgp-'));
  readonly warnings: string[] = [];
  readonly source: BgpSource;
  readonly daemons: FakeDaemon[] = [];
  now = 1000;

  constructor({ edge = {}, maxTable = 10_000 }: Options = {}) {
    this.source = new BgpSource(
      { frr: this.folder, bird: this.birdPath, leakEvery: 60_000, maxTable },
      {
        context: {
          clock: () => this.now,
          log: (_, message) => void this.warnings.push(message),
          nics: () => ['e1', 'e2'].map((name) => ({ name, device: name })),
          edge: () => edge,
        },
        networks: () => NETWORKS,
      },
    );
  }

  get birdPath(): string {
    return join(this.folder, 'bird.ctl');
  }

  #add(daemon: FakeDaemon): FakeDaemon {
    this.daemons.push(daemon);
    return daemon;
  }

  bgpd(answer: Answering): FakeDaemon {
    return this.#add(new FakeDaemon(join(this.folder, 'bgpd.vty'), '\0', answer));
  }

  bfdd(answer: Answering): FakeDaemon {
    return this.#add(new FakeDaemon(join(this.folder, 'bfdd.vty'), '\0', answer));
  }

  bird(answer: Answering, greeting = GREETING): FakeDaemon {
    return this.#add(new FakeDaemon(this.birdPath, '\n', answer, greeting));
  }

  read(limitMs = 2000): Promise<Reading<BgpData>> {
    return this.source.read(AbortSignal.timeout(limitMs));
  }

  /** A reading that must come with data. */
  async data(): Promise<BgpData> {
    const reading = await this.read();
    if (reading.state !== 'data') throw new Error(`${reading.state}: ${reading.reason}`);
    return reading.data;
  }

  close(): void {
    this.source.close();
    for (const daemon of this.daemons) daemon.close();
    rmSync(this.folder, { recursive: true });
  }
}
