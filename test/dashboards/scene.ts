/**
 * A scene in which every panel has something to show: the lab with its agent, synthetic servers beside it, Prometheus, and
 * faults.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent } from '../../src/lab/agent.ts';
import { now } from '../../src/lab/control.ts';
import { Lab } from '../../src/lab/lab.ts';
import { Monitoring } from '../../src/lab/monitoring.ts';
import { QUICK_RECOVERY } from '../../src/lab/play.ts';
import { lose } from '../../src/lab/scripts.ts';
import { labLayout } from '../../src/lab/topology.ts';
import type { ExporterOptions } from './synthetic/exporter.ts';
import { SYNTHETIC } from './synthetic/server.ts';

const EXPORTER = fileURLToPath(new URL('synthetic/exporter.ts', import.meta.url));
const FIRST_PORT = 19_844;

export class Scene {
  readonly lab: Lab;
  readonly agent: Agent;
  readonly monitoring: Monitoring;

  private constructor(lab: Lab, agent: Agent, monitoring: Monitoring) {
    this.lab = lab;
    this.agent = agent;
    this.monitoring = monitoring;
  }

  /** Starts everything; resolves when all servers have been scraped. `every`: s between scrapes. */
  static async start(every: number): Promise<Scene> {
    const lab = await Lab.start({ rate: 10 });
    let agent: Agent | undefined;
    try {
      agent = await Agent.start(lab, { rules: QUICK_RECOVERY });
      const exporter: ExporterOptions = { port: FIRST_PORT };
      await lab.program('lb', EXPORTER, exporter);
      const targets = SYNTHETIC.map((_, k) => `127.0.0.1:${FIRST_PORT + k}`);
      const scene = new Scene(lab, agent, await Monitoring.start(lab, { every, targets }));
      await scene.until('every server scraped', `count(fourlane_build_info) == ${SYNTHETIC.length + 1}`, 20_000);
      return scene;
    } catch (error) {
      await agent?.stop();
      lab.close();
      throw error;
    }
  }

  /** A link is cut, a real server refuses, another is lost through one NIC only: at once, as nights go. */
  async hurt(): Promise<void> {
    this.lab.space.ip('tor1', ['link set lb down']);
    await this.lab.set({ rs: 'rs5', refuse: true });
    this.lab.nft(
      'tor2',
      lose(
        labLayout.servers.filter((r) => r.name === 'rs6'),
        'forward',
      ),
    );
  }

  /** Resolves when the query has an answer. */
  async until(what: string, query: string, limitMs: number): Promise<void> {
    for (const limit = now() + limitMs; ; await sleep(200)) {
      const { result } = await this.monitoring.query<{ result: unknown[] }>(`query?query=${encodeURIComponent(query)}`);
      if (result.length > 0) return;
      if (now() > limit) throw new Error(`not within ${limitMs} ms: ${what} (${query})`);
    }
  }

  async close(): Promise<void> {
    this.monitoring.close();
    await this.agent.stop();
    this.lab.close();
  }
}
