/** Starts a routing daemon in a namespace of the lab, and gives it its configuration. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { FRR_SOCKETS, type Namespaces, run } from '../netns.ts';
import { until } from '../until.ts';
import { birdBalancer, birdRouter } from './bird.ts';
import { frrBalancer, frrRouter } from './frr.ts';
import type { BalancerSpeaker, Program, RouterSpeaker } from './speaker.ts';

/** Where a daemon runs. */
export interface Place {
  readonly space: Namespaces;
  readonly role: string;
  /** Starts a program there for the life of the lab. */
  readonly spawn: (role: string, argv: readonly string[]) => ChildProcess;
}

/** Settings of the collector `bgp` with which the daemon is read. */
export interface Sockets {
  readonly frr: string | false;
  readonly bird: string | false;
}

interface Kind {
  readonly balancer: (speaker: BalancerSpeaker) => string;
  readonly router: (speaker: RouterSpeaker) => string;
  readonly start: (place: Place, text: string) => Promise<Sockets>;
  /** Debian's package. */
  readonly package: string;
}

const LIMIT_MS = 15_000;
const FRR_PROGRAMS = ['zebra', 'staticd', 'bfdd', 'bgpd'];

export const KINDS: Readonly<Record<Program, Kind>> = {
  bird: { balancer: birdBalancer, router: birdRouter, start: startBird, package: 'bird2' },
  frr: { balancer: frrBalancer, router: frrRouter, start: startFrr, package: 'frr' },
};

async function startBird({ space, role, spawn }: Place, text: string): Promise<Sockets> {
  const [file, socket] = ['conf', 'ctl'].map((end) => `${space.dir}/${role}.bird.${end}`) as [string, string];
  writeFileSync(file, text);
  const child = spawn(role, ['bird', '-f', '-c', file, '-s', socket]);
  child.stdout!.resume();
  child.stderr!.setEncoding('utf8').on('data', (line: string) => process.stderr.write(`[bird ${role}] ${line}`));
  await until(`BIRD in ${role}`, LIMIT_MS, () => existsSync(socket));
  return { bird: socket, frr: false };
}

function idOf(file: '/etc/passwd' | '/etc/group'): number {
  return Number(/^frr:[^:]*:(\d+):/m.exec(readFileSync(file, 'utf8'))![1]);
}

/** FRR's programs give up root, so what they write is theirs, and below the one directory that they know. */
async function startFrr({ space, role, spawn }: Place, text: string): Promise<Sockets> {
  const name = space.name(role);
  const folder = `${FRR_SOCKETS}/${name}`;
  mkdirSync(folder, { recursive: true });
  for (const path of [FRR_SOCKETS, folder]) {
    chownSync(path, idOf('/etc/passwd'), idOf('/etc/group'));
    chmodSync(path, 0o755);
  }
  const file = `${space.dir}/${role}.frr.conf`;
  writeFileSync(file, text);
  for (const program of FRR_PROGRAMS) {
    const options = ['-N', name, '-f', '/dev/null', '-i', `${folder}/${program}.pid`, '-A', '127.0.0.1'];
    const child = spawn(role, [`/usr/lib/frr/${program}`, ...options]);
    for (const stream of [child.stdout!, child.stderr!]) stream.resume();
    await until(`${program} in ${role}`, LIMIT_MS, () => existsSync(`${folder}/${program}.vty`));
  }
  run(['vtysh', '-N', name, '-f', file]);
  return { frr: folder, bird: false };
}
