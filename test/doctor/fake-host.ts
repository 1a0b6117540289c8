/** A machine that says what the test wrote down. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EtcdLook } from '../../src/cluster/inspect.ts';
import type { Reading } from '../../src/collect/collector.ts';
import { loadPlan } from '../../src/config/load.ts';
import type { Check, ConfigState, Finding, Role } from '../../src/doctor/check.ts';
import type { DpdkProcess, Host, Rights } from '../../src/doctor/host.ts';

export const NOW = Date.UTC(2026, 10, 25);

export interface Machine {
  /** By path; a file written `ageMs` ago. */
  readonly files?: Readonly<Record<string, string>>;
  /** Pids by name. */
  readonly processes?: Readonly<Record<string, readonly number[]>>;
  /** By command line: what it prints, or the status with which it fails. */
  readonly commands?: Readonly<Record<string, string | number>>;
  readonly gets?: Readonly<Record<string, number>>;
  readonly readings?: Readonly<Record<string, Reading<unknown>>>;
  readonly dpdk?: readonly DpdkProcess[];
  readonly synchronised?: boolean;
  readonly maxErrorMs?: number;
  readonly now?: number;
  readonly ageMs?: number;
  readonly user?: string;
  /** Permissions by path. */
  readonly modes?: Readonly<Record<string, number>>;
  readonly rights?: Partial<Rights>;
  readonly etcd?: EtcdLook;
  readonly routing?: Awaited<ReturnType<Host['routing']>>;
}

export function fakeHost(machine: Machine = {}): Host {
  const { files = {}, processes = {}, commands = {}, gets = {}, readings = {} } = machine;
  return {
    user: machine.user ?? 'root',
    now: () => machine.now ?? NOW,
    read: (path) => {
      const text = files[path];
      return text === 'EACCES' ? Promise.reject(new Error(`EACCES: permission denied, open '${path}'`)) : Promise.resolve(text);
    },
    names: (path) => {
      const below = Object.keys(files).filter((f) => f.startsWith(`${path}/`));
      return Promise.resolve([...new Set(below.map((f) => f.slice(path.length + 1).split('/')[0]!))]);
    },
    processes: (name) => Promise.resolve(processes[name] ?? []),
    written: (path) => Promise.resolve(files[path] === undefined ? undefined : NOW - (machine.ageMs ?? 0)),
    stat: (path) => {
      const mode = machine.modes?.[path];
      return Promise.resolve(mode === undefined ? undefined : { uid: 0, mode });
    },
    rights: () => Promise.resolve({ uid: 998, groups: [998], capabilities: 0n, ...machine.rights }),
    routing: () => Promise.resolve(machine.routing ?? []),
    run: (argv) => {
      const said = commands[argv.join(' ')];
      if (said === undefined) return Promise.reject(new Error(`the program ${argv.join(' ')} is not installed`));
      return Promise.resolve(typeof said === 'number' ? { status: said, output: '' } : { status: 0, output: said });
    },
    get: (base, path) => {
      const status = gets[base + path];
      return status === undefined ? Promise.reject(new Error('connect ECONNREFUSED')) : Promise.resolve(status);
    },
    clock: () => ({ synchronised: machine.synchronised ?? true, maxErrorMs: machine.maxErrorMs ?? 1 }),
    collectors: Object.keys(readings),
    collect: (name) => Promise.resolve(readings[name]!),
    dpdk: () => Promise.resolve(machine.dpdk ?? []),
    etcd: () => (machine.etcd === undefined ? Promise.reject(new Error('not asked')) : Promise.resolve(machine.etcd)),
  };
}

interface Case {
  readonly role?: Role;
  readonly config?: ConfigState;
  readonly vips?: readonly string[];
}

export function run(check: Check, machine: Machine, { role = 'load-balancer', config = {}, vips = [] }: Case = {}) {
  return check.run({ role, config, vips, host: fakeHost(machine), signal: new AbortController().signal });
}

/** As one line each: outcome, subject, message. */
export const lines = (findings: readonly Finding[]) =>
  findings.map(({ outcome, subject, message }) => [outcome, ...(subject === undefined ? [] : [subject]), message].join(' | '));

export const plan = (config: object): ConfigState => ({
  file: 'f.yaml',
  plan: loadPlan(JSON.stringify(config), 'f.yaml', { hostname: 'lb-01' }),
});

export const recording = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures', name), 'latin1');
