/**
 * Prometheus, Alertmanager and a pager beside the agent of a lab, with the rules and routes that are shipped. Programs of the
 * distribution.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { ensure } from './ensure.ts';
import { call, now } from './control.ts';
import { forward } from './forward.ts';
import type { Opening } from './opening.ts';
import type { PagerOptions, Sent } from './pager.ts';
import type { World } from './world.ts';

const ALERTS = fileURLToPath(new URL('../../alerts', import.meta.url));
// Not the usual ports: without namespaces, the machine's own may run.
const PROMETHEUS = 19_090;
const ALERTMANAGER = 19_093;
const PAGER = 19_099;

export interface MonitoringOptions {
  /** s between scrapes, and between evaluations. */
  readonly every?: number;
  /** s that causes go on firing, and that consequences wait for their causes; left out: as shipped. */
  readonly keepFiring?: number;
  readonly groupWait?: number;
  readonly groupInterval?: number;
  /** `host:port` of each agent; left out: that of the layout. */
  readonly agents?: readonly string[];
  /** `host:port` to scrape beside them, under the same job. */
  readonly targets?: readonly string[];
  /** The part of the world in which it runs: default the load balancer's. */
  readonly role?: string;
}

interface Route {
  group_wait?: string;
  group_interval?: string;
  routes?: Route[];
}

/** The shipped rules with another `keep_firing_for`. */
function shippedRules(file: string, keepFiring: number | undefined): object {
  const rules = parse(readFileSync(`${ALERTS}/${file}`, 'utf8')) as { groups: { rules: { keep_firing_for?: string }[] }[] };
  for (const rule of rules.groups.flatMap((group) => group.rules)) {
    if (keepFiring !== undefined && rule.keep_firing_for !== undefined) rule.keep_firing_for = `${keepFiring}s`;
  }
  return rules;
}

/** The shipped routes with other waits. */
function shippedRoutes({ groupWait, groupInterval }: MonitoringOptions): object {
  const config = parse(readFileSync(`${ALERTS}/alertmanager.yml`, 'utf8')) as {
    route: Route;
    templates: string[];
    receivers: object[];
  };
  const walk = (route: Route) => {
    if (groupWait !== undefined && route.group_wait !== undefined && route.group_wait !== '0s')
      route.group_wait = `${groupWait}s`;
    if (groupInterval !== undefined && route.group_interval !== undefined) route.group_interval = `${groupInterval}s`;
    for (const inner of route.routes ?? []) walk(inner);
  };
  walk(config.route);
  const here = JSON.stringify(config.receivers).replaceAll('127.0.0.1:9099', `127.0.0.1:${PAGER}`);
  config.receivers = JSON.parse(here) as object[];
  config.templates = [`${ALERTS}/fourlane.tmpl`];
  return config;
}

export class Monitoring {
  readonly #world: World;
  readonly #pagerSocket: string;
  readonly #options: MonitoringOptions;
  readonly #ports: Server[] = [];
  #prometheus: ChildProcess | undefined;

  private constructor(world: World, options: MonitoringOptions) {
    this.#world = world;
    this.#options = options;
    this.#pagerSocket = world.path('pager.sock');
  }

  /** Starts the three in one part of the world; resolves when Prometheus is ready. They end with the world. */
  static async start(world: World, options: MonitoringOptions = {}): Promise<Monitoring> {
    ensure(['prometheus', 'prometheus-alertmanager']);
    const made = new Monitoring(world, options);
    await made.#startPager();
    made.#startAlertmanager();
    made.#startPrometheus();
    for (const [name, port] of [
      ['prometheus', PROMETHEUS],
      ['alertmanager', ALERTMANAGER],
    ] as const) {
      const opening: Opening = { from: world.path(`${name}.sock`), port };
      await world.program(made.#role, 'opening.ts', [opening]);
      await made.#ready(name);
    }
    return made;
  }

  get #role(): string {
    return this.#options.role ?? 'lb';
  }

  #startPager(): Promise<void> {
    const options: PagerOptions = { control: this.#pagerSocket, port: PAGER };
    return this.#world.program(this.#role, 'pager.ts', options);
  }

  /** Prometheus begins anew, without memory: what happened before is no part of any window. */
  async forget(): Promise<void> {
    const ended = new Promise((resolve) => this.#prometheus!.once('exit', resolve));
    this.#prometheus!.kill('SIGKILL');
    await ended;
    rmSync(this.#world.path('prometheus'), { recursive: true });
    this.#startPrometheus();
    await this.#ready('prometheus');
  }

  #startAlertmanager(): void {
    const config = this.#world.path('alertmanager.yml');
    writeFileSync(config, stringify(shippedRoutes(this.#options)));
    this.#run('prometheus-alertmanager', [
      `--config.file=${config}`,
      `--storage.path=${this.#directory('alertmanager')}`,
      `--web.listen-address=127.0.0.1:${ALERTMANAGER}`,
      '--cluster.listen-address=',
    ]);
  }

  #startPrometheus(): void {
    const { every = 5, keepFiring, targets = [] } = this.#options;
    const { agents = [`127.0.0.1:${this.#world.layout.agentPort}`] } = this.#options;
    const files = ['fourlane-alerts.yaml', 'fourlane-rules.yaml'].map((file) => {
      const path = this.#world.path(file);
      writeFileSync(path, stringify(shippedRules(file, keepFiring)));
      return path;
    });
    const config = this.#world.path('prometheus.yml');
    writeFileSync(
      config,
      stringify({
        global: { scrape_interval: `${every}s`, evaluation_interval: `${every}s` },
        rule_files: files,
        alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${ALERTMANAGER}`] }] }] },
        scrape_configs: [{ job_name: 'fourlane', static_configs: [{ targets: [...agents, ...targets] }] }],
      }),
    );
    this.#prometheus = this.#run('prometheus', [
      `--config.file=${config}`,
      `--storage.tsdb.path=${this.#directory('prometheus')}`,
      `--web.listen-address=127.0.0.1:${PROMETHEUS}`,
      '--log.level=warn',
      // What fires before Alertmanager is found is sent again soon, not after a minute.
      '--rules.alert.resend-delay=5s',
    ]);
  }

  #directory(name: string): string {
    const path = this.#world.path(name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  #run(program: string, args: readonly string[]): ChildProcess {
    const child = this.#world.spawn(this.#role, [program, ...args]);
    child.stdout!.resume();
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (/level=(?:warn|error)/.test(text) && !/Failed to|connection refused/.test(text))
        process.stderr.write(`[${program}] ${text}`);
    });
    return child;
  }

  async #ready(name: string): Promise<void> {
    for (const limit = now() + 20_000; ; await sleep(100)) {
      try {
        await call(this.#world.path(`${name}.sock`), '/-/ready');
        return;
      } catch (error) {
        if (now() > limit) throw new Error(`${name} is not ready: ${(error as Error).message}`);
      }
    }
  }

  /** Makes Prometheus and Alertmanager reachable on this machine's loopback; returns their URLs. */
  async open(): Promise<{ readonly prometheus: string; readonly alertmanager: string }> {
    const at = async (name: string) => {
      const server = await forward({ host: '127.0.0.1', port: 0 }, { path: this.#world.path(`${name}.sock`) });
      this.#ports.push(server);
      return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    };
    return { prometheus: await at('prometheus'), alertmanager: await at('alertmanager') };
  }

  /** Closes what `open` opened. */
  close(): void {
    for (const server of this.#ports) server.close();
  }

  /** Everything the pager got since then (ms of the lab's clock). */
  sent(since = 0): Promise<Sent[]> {
    return call(this.#pagerSocket, `/sent?since=${since}`);
  }

  /** GET on Prometheus' API: the `data` of its answer. */
  async query<T>(path: string): Promise<T> {
    const answer = await call<{ data: T }>(this.#world.path('prometheus.sock'), `/api/v1/${path}`);
    return answer.data;
  }
}

/** Prometheus, Alertmanager and a pager; tells where they are. */
export async function openMonitoring(
  world: World,
  tell: (text: string) => void,
  options: MonitoringOptions = {},
): Promise<Monitoring> {
  tell('Prometheus and Alertmanager start, with the shipped rules and routes …');
  const monitoring = await Monitoring.start(world, options);
  const { prometheus, alertmanager } = await monitoring.open();
  tell(`Prometheus: ${prometheus}/alerts   Alertmanager: ${alertmanager}`);
  tell('Dashboards are in dashboards/out: import them into a Grafana with this Prometheus as its data source.\n');
  return monitoring;
}
