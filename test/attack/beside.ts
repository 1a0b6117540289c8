/**
 * Readers and local users beside an agent with 40 real servers on two NICs. First some of them die without anybody else: the
 * control. Then somebody attacks, and others die: they must be found as soon.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentProcess, loopbackServers, serve, until, writeConfig } from '../system/harness.ts';
import type { StatusReport } from '../../src/report/report.ts';
import { assertControl, measure, missesOf, type Phase, say } from './phase.ts';
import { type Scenario, staged } from './scenario.ts';

/** Where the attacker is. */
export interface Site {
  readonly agent: AgentProcess;
  /** The agent's directory: configuration, state, control socket. */
  readonly dir: string;
  readonly port: number;
  readonly config: string;
  /** In the short form. */
  readonly quick: boolean;
}

export interface Attack extends Omit<Scenario, 'run'> {
  /** More of the configuration. */
  readonly config?: (dir: string) => object;
  /** Before the agent starts. */
  readonly prepare?: (dir: string) => unknown;
  /** Begins; resolves with what ends it, and what else has to be so afterwards. */
  attack(site: Site): Promise<Attacker>;
}

export interface Attacker {
  /** Called after the phase, before the end. Throws what is not as it must be. */
  readonly check?: () => Promise<void>;
  readonly stop: () => unknown;
}

const GOOD = 40;
const DYING = 5;
const PHASE_MS = 7000;
const QUICK_PHASE_MS = 3000;

class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), 'fourlane-attack-'));
  readonly #closers: (() => unknown)[] = [];
  readonly #mortals: { readonly address: string; readonly close: () => Promise<void> }[] = [];
  site!: Site;

  async start(attack: Attack, quick: boolean): Promise<void> {
    const good = await serve(0);
    this.#closers.push(good.close);
    for (let k = 0; k < 2 * DYING; k++) {
      const ip = `127.8.0.${k + 1}`;
      const { port, close } = await serve(0, undefined, ip);
      this.#mortals.push({ address: `${ip}:${port}`, close });
      this.#closers.push(close);
    }
    await attack.prepare?.(this.dir);
    const config = writeConfig(this.dir, {
      listen: '127.0.0.1:0',
      stateDir: join(this.dir, 'state'),
      collectors: Object.fromEntries(['dpdk', 'dpvs', 'ipvs', 'keepalived', 'logqueue', 'nic'].map((name) => [name, false])),
      nics: ['127.0.0.2', '127.0.0.3'].map((source, i) => ({ name: `lo${i}`, device: 'lo', source })),
      services: [
        {
          vip: '10.0.0.1:80/tcp',
          check: { type: 'tcp', interval: '500ms', timeout: '400ms' },
          realServers: [...loopbackServers(GOOD - 2 * DYING, good.port), ...this.#mortals.map(({ address }) => address)],
        },
      ],
      ...attack.config?.(this.dir),
    });
    const agent = await AgentProcess.start(config);
    this.#closers.push(() => agent.end());
    // Somebody else may have the port.
    await until('all cells ok', 20_000, async () => {
      const { nics } = JSON.parse((await agent.control('/api/v1/status')).text) as StatusReport;
      return nics.length > 0 && nics.every(({ cells }) => cells.ok === GOOD);
    });
    const { port } = new URL(agent.logged(/^ready/)!['listen'] as string);
    this.site = { agent, dir: this.dir, port: Number(port), config, quick };
    await sleep(quick ? 500 : 2000);
  }

  async phase(number: number): Promise<Phase> {
    const { agent, quick } = this.site;
    const dying = this.#mortals.slice(number * DYING, (number + 1) * DYING);
    return measure({
      agent,
      // Over the control socket: who attacks the other door must not keep the measurement out.
      metrics: async () => (await agent.control('/metrics')).text,
      dying: dying.map(({ address }) => address),
      kill: () => Promise.all(dying.map(({ close }) => close())),
      ms: quick ? QUICK_PHASE_MS : PHASE_MS,
    });
  }

  async end(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A scenario of somebody who is no real server. */
export function attackBeside(attack: Attack): Scenario {
  return staged(
    attack,
    () => new Stage(),
    async (stage, quick) => {
      await stage.start(attack, quick);
      const control = await stage.phase(0);
      assertControl(control);
      const attacker = await attack.attack(stage.site);
      try {
        await sleep(quick ? 500 : 2000);
        const now = await stage.phase(1);
        const misses = missesOf(control, now);
        await attacker.check?.().catch((error: Error) => misses.push(error.message));
        return { control: say(control), now: say(now), misses };
      } finally {
        await attacker.stop();
      }
    },
  );
}
