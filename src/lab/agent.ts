/** The agent under test: its process, and its HTTP API seen from outside the namespace. */
import type { ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { StatusReport, TransitionReport } from '../report/report.ts';
import { call, now } from './control.ts';
import { metricOf } from './metric.ts';
import type { World } from './world.ts';
import { PROGRAM } from './program.ts';

/** A verdict change with its time as ms of `now()`. */
export type Transition = TransitionReport & { readonly t: number };

export interface AgentOptions {
  readonly rules?: Readonly<Record<string, number>>;
  /** Where the agent records its evidence, if anywhere; what is there is removed. */
  readonly evidence?: string;
  /** Called with every line the agent logs. */
  readonly onLine?: (line: string) => void;
  /** Its configuration, where it is not that of the layout. */
  readonly config?: object;
  /** What it remembers stays, as when a service manager starts it again. */
  readonly again?: boolean;
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export class Agent {
  readonly #world: World;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #ended: string | undefined;

  private constructor(world: World, child: ChildProcess, onLine: AgentOptions['onLine']) {
    this.#world = world;
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > 200) this.#lines.shift();
        onLine?.(line);
      });
    }
    child.once('error', (error) => (this.#ended = error.message));
    child.once('exit', (code, signal) => (this.#ended = `code ${code ?? signal}`));
  }

  /** Starts an agent, without remembered state unless it is started again. */
  static spawn(world: World, { evidence, rules, onLine, again = false, env = {}, ...more }: AgentOptions = {}): Agent {
    if (!again) rmSync(world.path('state'), { recursive: true, force: true });
    if (evidence !== undefined) rmSync(evidence, { force: true });
    const recording = evidence === undefined ? {} : { evidence: { log: evidence } };
    const config = { ...(more.config ?? world.agentConfig(rules)), ...recording };
    writeFileSync(world.path('fourlane.yaml'), stringify(config), { mode: 0o640 });
    // Before the other programs of the lab, which would not be on its machine: a probe that begins late proves nothing.
    const argv = ['nice', '-n', '-10', process.execPath, PROGRAM, 'agent', '--pretty', '--config', world.path('fourlane.yaml')];
    return new Agent(world, world.spawn('lb', argv, { ...process.env, FOURLANE_CHAOS: '1', ...env }), onLine);
  }

  /** Starts an agent; resolves when it is ready and every cell is known good. */
  static async start(world: World, options: AgentOptions = {}): Promise<Agent> {
    const agent = Agent.spawn(world, options);
    await agent.settled(20_000);
    return agent;
  }

  /** How it ended; undefined while it runs. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /**
   * Resolves when the agent is ready, has no verdict, and everything is enabled; returns the ms waited. Rejects after `limitMs`.
   */
  async settled(limitMs: number): Promise<number> {
    const t0 = now();
    for (;;) {
      const why = await this.unsettled().catch((error: Error) => error.message);
      if (why === '') return now() - t0;
      if (this.#ended !== undefined) throw new Error(`the agent ended (${this.#ended}): ${this.tail()}`);
      if (now() - t0 > limitMs) throw new Error(`not all well after ${limitMs} ms: ${why}\n${this.tail()}`);
      await sleep(200);
    }
  }

  /** Why not all is well, as `settled` has it; '' when it is. Rejects while the agent does not answer. */
  async unsettled(): Promise<string> {
    await this.get('/-/ready');
    const status = await this.get<StatusReport>('/api/v1/status');
    if (status.verdicts.length > 0) return `verdicts ${status.verdicts.map((verdict) => verdict.verdict).join(' ')}`;
    const doubtful = status.nics.filter((nic) => Object.entries(nic.cells).some(([state, cells]) => state !== 'ok' && cells > 0));
    if (doubtful.length > 0) return `cells not ok on ${doubtful.map((nic) => nic.name).join(' ')}`;
    const { reduced } = await this.#world.dataplane();
    return Object.keys(reduced).length > 0 ? `reduced: ${JSON.stringify(reduced)}` : this.#world.unwell();
  }

  /** GET on the agent's HTTP port. */
  get<T>(path: string): Promise<T> {
    return call<T>(this.#world.agentSocket, path, { timeoutMs: 2000 });
  }

  /** Verdict changes later than t (ms of `now()`), oldest first. The API speaks wall time, in whole ms. */
  async transitions(since: number): Promise<Transition[]> {
    const wall = Date.now() - now();
    const answer = await this.get<{ transitions: TransitionReport[] }>(`/api/v1/verdicts?since=${since + wall}`);
    return answer.transitions.map((t) => ({ ...t, t: Date.parse(t.time) - wall }));
  }

  /** Sum of the series of a family whose labels contain all of `labels`; undefined when there is none. */
  async metric(name: string, ...labels: string[]): Promise<number | undefined> {
    return metricOf(await this.get<string>('/metrics'), name, ...labels);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Makes a lane's thread throw (the agent allows it under FOURLANE_CHAOS=1). */
  async crashLane(nic: string): Promise<void> {
    await call(this.#world.path('control'), `/-/chaos?crashLane=${nic}`, { method: 'POST' });
  }

  /** undefined when this lane has been restarted, and no other; else what is wrong. */
  async onlyRestarted(nic: string): Promise<string | undefined> {
    const text = await this.get<string>('/metrics');
    const restarts = [...text.matchAll(/^fourlane_lane_restarts_total\{.*?nic="([^"]+)".*?\} (\d+)/gm)].map((match) => ({
      nic: match[1],
      n: Number(match[2]),
    }));
    const good = restarts.length > 1 && restarts.every((restart) => (restart.nic === nic ? restart.n === 1 : restart.n === 0));
    return good
      ? undefined
      : `lane restarts: ${restarts.map((restart) => `${restart.nic} ${restart.n}`).join(', ') || 'not exported'}`;
  }

  /** The last lines logged. */
  tail(): string {
    return this.#lines.slice(-8).join('\n');
  }

  /** SIGTERM, then SIGKILL after 5 s; resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGTERM');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(killer);
  }
}
