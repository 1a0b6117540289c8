/**
 * Hostile real servers beside 40 good ones on two NICs. First all are well-behaved and some good ones die: the control. Then the
 * hostile ones attack and others of the good ones die: they must be found as soon, by lanes that never restarted.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentProcess, writeConfig } from '../system/harness.ts';
import { assertControl, measure, missesOf, type Phase, say } from './phase.ts';
import { type Scenario, staged } from './scenario.ts';
import type { ServersInit, ToServers } from './servers.child.ts';

export interface Attack extends Omit<Scenario, 'run'> {
  readonly servers: ServersInit['family'] | 'exec';
  /** The hostile ones' check; `exec`: what the script does when it attacks. */
  readonly check: object | string;
  /** How many; 10 unless said otherwise. */
  readonly count?: number;
}

const PORT = 8080;
const SOURCES = ['127.0.0.2', '127.0.0.3'];
const TIMING = { interval: '500ms', timeout: '400ms' };
/** Good ones of three kinds: plain, HTTP, and the same kind as the hostile ones. Some of each die in each phase. */
const GOOD = { tcp: 20, http: 10, same: 10 } as const;
const DYING = { tcp: 3, http: 2, same: 2 } as const;
/** Length of a phase, and how long before it nothing is measured: ms. */
const PACE = { whole: { phase: 7000, before: 3000 }, quick: { phase: 4000, before: 2000 } } as const;

type Kind = keyof typeof GOOD;
const KINDS = Object.keys(GOOD) as Kind[];
const list = (net: number, count: number) => Array.from({ length: count }, (_, i) => `127.${net}.0.${i + 1}`);
const goodOf = (kind: Kind) => list(KINDS.indexOf(kind) + 1, GOOD[kind]);

class Stage {
  readonly #attack: Attack;
  readonly dir = mkdtempSync(join(tmpdir(), 'fourlane-attack-'));
  readonly #children = new Map<Kind | 'hostile', ChildProcess>();
  #agent: AgentProcess | undefined;

  constructor(attack: Attack) {
    this.#attack = attack;
  }

  get #kinds(): readonly Kind[] {
    return this.#attack.servers === 'ping' ? ['tcp', 'http'] : KINDS;
  }

  async start(): Promise<void> {
    const { servers, name, count = 10 } = this.#attack;
    await this.#serve('tcp', { family: 'tcp', name: '', addresses: goodOf('tcp') });
    await this.#serve('http', { family: 'http', name: '', addresses: goodOf('http') });
    if (servers === 'exec') for (const address of goodOf('same')) writeFileSync(join(this.dir, address), '');
    else {
      if (servers !== 'ping') await this.#serve('same', { family: servers, name: '', addresses: goodOf('same') });
      await this.#serve('hostile', { family: servers, name, addresses: list(9, count) });
    }
    this.#agent = await AgentProcess.start(writeConfig(this.dir, this.#config(list(9, count))));
    await this.#agent.allGood(20_000);
  }

  async #serve(kind: Kind | 'hostile', init: Omit<ServersInit, 'port' | 'sources'>): Promise<void> {
    const all: ServersInit = { ...init, port: PORT, sources: SOURCES };
    const child = fork(new URL('./servers.child.ts', import.meta.url), [JSON.stringify(all)]);
    this.#children.set(kind, child);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`the ${kind} servers ended with ${code}`)));
    });
  }

  #config(hostile: readonly string[]): object {
    const { servers, check } = this.#attack;
    const portless = servers === 'exec' || servers === 'ping';
    const scripted = (script: string) => ({ type: 'exec', command: ['/bin/sh', '-c', script] });
    const bad = typeof check === 'string' ? scripted(`[ -e ${this.dir}/attack ] || exit 0; ${check}`) : check;
    const same = typeof check === 'string' ? scripted(`test -e ${this.dir}/$FOURLANE_IP`) : check;
    const service = (name: string, of: object, addresses: readonly string[], port = true) => ({
      name,
      vip: `10.0.0.${addresses[0]!.split('.')[1]}:80/tcp`,
      check: { ...of, ...TIMING },
      realServers: addresses.map((ip) => (port ? `${ip}:${PORT}` : ip)),
    });
    return {
      listen: '127.0.0.1:0',
      stateDir: join(this.dir, 'state'),
      collectors: Object.fromEntries(['dpdk', 'dpvs', 'ipvs', 'keepalived', 'logqueue', 'nic'].map((name) => [name, false])),
      nics: SOURCES.map((source, i) => ({ name: `lo${i}`, device: 'lo', source })),
      services: [
        service('tcp', { type: 'tcp' }, goodOf('tcp')),
        service('http', { type: 'http', contains: 'ready true' }, goodOf('http')),
        ...(servers === 'ping' ? [] : [service('same', same, goodOf('same'), !portless)]),
        service('hostile', bad, hostile, !portless),
      ],
    };
  }

  attack(): void {
    if (this.#attack.servers === 'exec') writeFileSync(join(this.dir, 'attack'), '');
    else this.#children.get('hostile')!.send({ do: 'attack' } satisfies ToServers);
  }

  #kill(kind: Kind, address: string): void {
    if (kind === 'same' && this.#attack.servers === 'exec') rmSync(join(this.dir, address));
    else this.#children.get(kind)!.send({ do: 'kill', address } satisfies ToServers);
  }

  /** Some good ones die; the next phase takes others. */
  async phase(number: number, { phase, before: rest }: { readonly phase: number; readonly before: number }): Promise<Phase> {
    await sleep(rest);
    const agent = this.#agent!;
    const dying = this.#kinds.flatMap((kind) =>
      goodOf(kind)
        .slice(number * DYING[kind], (number + 1) * DYING[kind])
        .map((address) => ({ kind, address })),
    );
    return measure({
      agent,
      metrics: async () => (await agent.ask('/metrics')).text,
      dying: dying.map(({ address }) => address),
      kill: () => dying.forEach(({ kind, address }) => this.#kill(kind, address)),
      ms: phase,
    });
  }

  /** What the lanes did about it, in words. */
  async defence(): Promise<string> {
    const [held, holds] = await Promise.all(
      ['lane_quarantined_cells', 'lane_holds_total'].map((name) => this.#agent!.metric(`fourlane_${name}`)),
    );
    return holds ? `, ${held} cells in quarantine` : '';
  }

  async end(): Promise<void> {
    // Not killed: it ends what it has started.
    await this.#agent?.end('SIGTERM');
    for (const child of this.#children.values()) child.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A scenario of hostile real servers. */
export function attackBy(attack: Attack): Scenario {
  return staged(
    attack,
    () => new Stage(attack),
    async (stage, quick) => {
      const pace = quick ? PACE.quick : PACE.whole;
      await stage.start();
      const control = await stage.phase(0, pace);
      assertControl(control);
      stage.attack();
      const now = await stage.phase(1, pace);
      return { control: say(control), now: say(now) + (await stage.defence()), misses: missesOf(control, now) };
    },
  );
}
