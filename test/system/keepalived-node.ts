/** A node of VRRP: a real keepalived in a network namespace, what it recorded of itself, and how to hurt it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepalived } from '../../src/collect/keepalived.ts';
import { Runner } from '../../src/collect/runner.ts';
import { blockSchema } from '../../src/collect/settings.ts';
import type { Plan } from '../../src/model/plan.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import { endWithUs } from '../run/end-with-us.ts';
import { AgentProcess, childrenOf, metricOf, run, until, writeConfig } from './harness.ts';

export interface NodeOptions {
  readonly name: string;
  /** Last part of its address in 10.96.0.0/24. */
  readonly host: number;
  readonly priority: number;
  readonly instances: readonly string[];
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** Changes its configuration before it is written. */
  readonly rewrite?: (text: string) => string;
}

/** Transitions by `instance to`. */
export type Counts = Readonly<Record<string, number>>;

export class VrrpNode {
  readonly dir: string;
  readonly fifo: string;
  readonly record: string;
  readonly #o: NodeOptions;
  #child: ChildProcess | undefined;

  /** Makes the namespace, plugged into the bridge `br0`, and the configuration. */
  constructor(parent: string, options: NodeOptions) {
    const { name, host } = options;
    this.#o = options;
    this.dir = join(parent, name);
    this.fifo = join(this.dir, 'run', 'notify.fifo');
    this.record = join(this.dir, 'record');
    mkdirSync(join(this.dir, 'tmp'), { recursive: true });
    writeFileSync(this.record, '');
    writeFileSync(join(this.dir, 'notify.sh'), `#!/bin/sh\necho "$1 $2 $3 $4" >> ${this.record}\n`);
    chmodSync(join(this.dir, 'notify.sh'), 0o755);
    run(`ip netns add ${name}`);
    run(`ip link add ${name} type veth peer name eth0 netns ${name}`);
    run(`ip link set ${name} master br0 up`);
    run(`ip -n ${name} address add 10.96.0.${host}/24 dev eth0`);
    run(`ip -n ${name} link set lo up`);
    run(`ip -n ${name} link set eth0 up`);
    this.configure();
  }

  /** Settings with which the collector finds it. */
  get settings() {
    const file = (name: string) => join(this.dir, name);
    return { pidFile: file('pid'), vrrpPidFile: file('vrrp.pid'), checkersPidFile: file('checkers.pid'), fifo: this.fifo };
  }

  /** Writes keepalived.conf. `without`: instances left out. */
  configure(without: readonly string[] = []): void {
    const { name, priority, instances, groups = {}, rewrite = (text: string) => text } = this.#o;
    const blocks = instances.map((instance, i) =>
      without.includes(instance)
        ? ''
        : `vrrp_instance "${instance}" {
  state BACKUP
  interface eth0
  virtual_router_id ${i + 1}
  priority ${priority}
  advert_int 1
  version 2
  authentication {
    auth_type PASS
    auth_pass hunter2x
  }
  virtual_ipaddress {
    10.96.1.${i + 1}/32
  }
  notify "${this.dir}/notify.sh"
}
`,
    );
    const sync = Object.entries(groups).map(
      ([group, members]) => `vrrp_sync_group "${group}" {\n  group {\n${members.map((m) => `    "${m}"\n`).join('')}  }\n}\n`,
    );
    writeFileSync(
      join(this.dir, 'keepalived.conf'),
      rewrite(`global_defs {
  router_id ${name}
  enable_script_security
  script_user root
  vrrp_notify_fifo ${this.fifo}
}
${sync.join('')}${blocks.join('')}`),
    );
  }

  async start(): Promise<void> {
    const log = openSync(join(this.dir, 'log'), 'a');
    const options = ['-n', '-l', '-D', '-P', '-f', 'keepalived.conf', '-p', 'pid', '-r', 'vrrp.pid', '-c', 'checkers.pid'];
    const argv = options.map((o) => (o.startsWith('-') ? o : join(this.dir, o)));
    // With a directory for temporary files that nobody else sees, as under systemd's PrivateTmp; and before other work, where
    // that is permitted: on a busy machine adverts would come late, and the address would move for that.
    const first = 'chrt -r 1 true 2> /dev/null && set -- chrt -r 1 keepalived "$@" || set -- keepalived "$@"';
    const alone = `mount -t tmpfs private "$TMPDIR" && { ${first}; exec "$@"; }`;
    const child = spawn('ip', ['netns', 'exec', this.#o.name, 'sh', '-c', alone, 'sh', ...argv], {
      stdio: ['ignore', log, log],
      env: { ...process.env, TMPDIR: join(this.dir, 'tmp') },
    });
    closeSync(log);
    this.#child = endWithUs(child);
    await until('a VRRP process', 5000, () => existsSync(join(this.dir, 'vrrp.pid')));
  }

  /** Ends the parent with SIGTERM, or all its processes at once with SIGKILL. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    this.#child = undefined;
    const ended = new Promise((done) => child.once('exit', done));
    const pids = signal === 'SIGKILL' ? childrenOf(child.pid).map((c) => c.pid) : [];
    for (const pid of [child.pid, ...pids]) process.kill(pid, signal);
    await ended;
  }

  /** Ends the VRRP process alone; the parent starts another one. */
  killVrrp(): void {
    process.kill(Number(readFileSync(join(this.dir, 'vrrp.pid'), 'utf8')), 'SIGKILL');
  }

  reload(): void {
    this.#child!.kill('SIGHUP');
  }

  plug(state: 'up' | 'down'): void {
    run(`ip link set ${this.#o.name} ${state}`);
  }

  get log(): string {
    return readFileSync(join(this.dir, 'log'), 'utf8');
  }

  /** What the notify script was called with. */
  recorded(kind: 'INSTANCE' | 'GROUP' = 'INSTANCE'): Counts {
    const lines = readFileSync(this.record, 'utf8').trim().split('\n');
    return count(
      lines.flatMap((line) => new RegExp(`^${kind} (.*) ([A-Z]+) \\d+$`).exec(line)?.slice(1, 3).join(' ').toLowerCase() ?? []),
    );
  }

  /** What its log says was entered; stopping is not in there. */
  logged(): Counts {
    const lines = this.log.matchAll(/\((.*)\) Entering (BACKUP|MASTER|FAULT) STATE/g);
    return count([...lines].map((m) => `${m[1]} ${m[2]}`.toLowerCase()));
  }
}

/** How often each value comes, by value in order. */
export function count(values: readonly string[]): Counts {
  const counts: Record<string, number> = {};
  for (const value of [...values].sort()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Transitions in the text of /metrics, without zeros. */
export function transitionsIn(text: string): Counts {
  const found = text.matchAll(/^fourlane_vrrp_transitions_total\{(.*)\} (\d+)$/gm);
  const pairs = [...found].flatMap(([, labels = '', value]): [string, number][] => {
    const [, instance, to] = /vrrp_instance="(.*?)",to="(.*?)"/.exec(labels) ?? [];
    return value === '0' ? [] : [[`${instance} ${to}`.toLowerCase(), Number(value)]];
  });
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Starts an agent that watches the node. */
export function watch(node: VrrpNode): Promise<AgentProcess> {
  const config = {
    listen: '127.0.0.1:0',
    stateDir: join(node.dir, 'state'),
    nics: [{ name: 'lo' }],
    collectors: { keepalived: { interval: '200ms', dumpEvery: '1s', ...node.settings } },
  };
  return AgentProcess.start(writeConfig(node.dir, config));
}

/** Something that shows metrics: an agent, or the collector alone. */
export interface Shows {
  ask(path: '/metrics'): Promise<{ text: string }>;
  metric(name: string, ...labels: string[]): Promise<number | undefined>;
}

/** The collector with its runner, in this process: no agent has to be started. */
export class Alone implements Shows {
  readonly log: string[] = [];
  readonly #runner: Runner;

  constructor(node: VrrpNode, more: object = {}) {
    this.#runner = new Runner({
      collectors: [keepalived],
      context: { clock: monotonicMs, log: (_, message) => void this.log.push(message), nics: () => [], edge: () => ({}) },
      wallOffsetMs: () => 0,
      onEvidence: () => undefined,
    });
    const settings = { interval: '200ms', dumpEvery: '1s', ...node.settings, ...more };
    this.#runner.apply({ keepalived: blockSchema(keepalived).parse(settings) as Plan['collectors'][string] });
  }

  async ask(): Promise<{ text: string }> {
    const lines = this.#runner
      .families()
      .flatMap(({ name, labelNames, rows, values }) =>
        rows.map((row, i) => `${name}{${row.map((value, k) => `${labelNames[k]}="${value}"`).join(',')}} ${values[i]}\n`),
      );
    return { text: lines.join('') };
  }

  async metric(name: string, ...labels: string[]): Promise<number | undefined> {
    return metricOf((await this.ask()).text, name, ...labels);
  }

  end(): Promise<void> {
    return this.#runner.stop();
  }
}

/** Waits until every instance is shown in that state; keepalived itself takes long for fifty on a busy machine. */
export async function all(agent: Shows, state: string, instances: readonly string[]): Promise<void> {
  await until(`${instances.length} instances ${state}`, 45_000, async () => {
    const states = await Promise.all(
      instances.map((i) => agent.metric('fourlane_vrrp_state', `vrrp_instance="${i}"`, `state="${state}"`)),
    );
    return states.every((s) => s === 1);
  });
}

/** What is counted equals what the notify scripts recorded; these may end a little later. */
export async function equal(agent: Shows, node: VrrpNode): Promise<Counts> {
  let counts: Counts = {};
  const same = async () => {
    counts = transitionsIn((await agent.ask('/metrics')).text);
    assert.deepEqual(counts, node.recorded());
    return true;
  };
  await until('counts as recorded', 5000, same).catch(same);
  return counts;
}
