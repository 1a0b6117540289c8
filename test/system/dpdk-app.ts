/**
 * Real DPDK processes for system tests: our own application (test/fixtures/dpdk-app), compiled here, and Debian's dpdk-testpmd.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { TelemetryClient } from '../../src/collect/telemetry/client.ts';
import type { Command } from '../../src/collect/telemetry/commands.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { endWithUs } from '../run/end-with-us.ts';
import { run, until } from './harness.ts';

const SOURCE = fileURLToPath(new URL('../fixtures/dpdk-app', import.meta.url));
const PATIENT = { greetingMs: 5000, answerMs: 5000 };
const never = new AbortController().signal;

/** Compiles the application against Debian's libdpdk into a directory of its own. @returns the program */
export function buildApp(): string {
  ensure(['dpdk-dev', 'libdpdk-dev', 'libnuma-dev', 'gcc', 'libc6-dev', 'pkg-config', 'make']);
  const dir = mkdtempSync(`${tmpdir()}/lcorelat-`);
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  run(`make -s -C ${dir} -f ${SOURCE}/Makefile VPATH=${SOURCE}`);
  return `${dir}/lcorelat`;
}

export class DpdkProcess {
  readonly path: string;
  readonly #child: ChildProcess;
  #client: TelemetryClient;
  readonly #end: Promise<void>;
  output = '';
  ended = false;

  private constructor(prefix: string, argv: readonly string[], env: NodeJS.ProcessEnv) {
    this.path = `/var/run/dpdk/${prefix}/dpdk_telemetry.v2`;
    this.#client = new TelemetryClient(this.path, PATIENT);
    const [command, ...more] = argv;
    this.#child = endWithUs(spawn(command!, more, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } }));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.on('data', (text) => (this.output += String(text)));
    this.#end = new Promise((resolve) => {
      this.#child.once('close', () => {
        this.ended = true;
        resolve();
      });
    });
  }

  static async #start(prefix: string, argv: readonly string[], ready: RegExp, env: NodeJS.ProcessEnv = {}): Promise<DpdkProcess> {
    const memory = ['--no-huge', '--no-pci', `--file-prefix=${prefix}`];
    const dpdk = new DpdkProcess(prefix, [argv[0]!, ...memory, ...argv.slice(1)], env);
    await until(`${prefix} runs`, 20_000, () => {
      if (dpdk.ended) throw new Error(dpdk.output);
      return ready.test(dpdk.output) && existsSync(dpdk.path);
    }).catch(async (error: unknown) => {
      await dpdk.end();
      throw error;
    });
    return dpdk;
  }

  /** Our application: core 0 generates, 1 and 2 forward, 3 writes the log, into the file `log` if there is one. */
  static app(program: string, prefix: string, log?: string): Promise<DpdkProcess> {
    const argv = [program, '--lcores', '0@0,1@0,2@1,3@1', '-m', '256', '--vdev=net_null0'];
    return DpdkProcess.#start(prefix, argv, /^lcorelat: /m, log === undefined ? {} : { LCORELAT_LOG: log });
  }

  /** testpmd at its prompt, with these virtual ports; it forwards when it is told to. */
  static testpmd(prefix: string, ports: readonly string[]): Promise<DpdkProcess> {
    const argv = ['dpdk-testpmd', '--lcores', '0@0,1@1', '-m', '256', ...ports.map((p) => `--vdev=${p}`)];
    return DpdkProcess.#start(prefix, [...argv, '--', '-i', '--nb-cores=1', '--total-num-mbufs=8192'], /testpmd> /);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Types a command at testpmd's prompt. */
  type(command: string): void {
    this.#child.stdin!.write(`${command}\n`);
  }

  /** The value of any telemetry command, also of one that fourlane itself would never send. */
  async ask<T>(text: string): Promise<T> {
    const session = await this.#client.session(never);
    const { value } = await session.request({ name: text.split(',')[0]!, text } as Command, never);
    return value as T;
  }

  /** Turns one of the application's knobs. */
  async set(knob: string, value: number): Promise<void> {
    await this.ask(`/tdlb/test/set,${knob}=${value}`);
  }

  /** Gives its own connection back: a process has ten. */
  disconnect(): void {
    this.#client.close();
    this.#client = new TelemetryClient(this.path, PATIENT);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it; resolves when it is gone. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#client.close();
    this.signal(signal);
    await this.#end;
  }
}
