/** A real BIRD with one session to a router that is not there: it can be shut and opened. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensure } from '../../src/lab/ensure.ts';
import { run, until } from './harness.ts';

const PEER = '192.0.2.1';

const CONFIG = `router id 10.9.0.1;
protocol device {}
protocol bgp uplink {
  local 192.0.2.9 as 65101;
  neighbor ${PEER} as 65001;
  ipv4 { import none; export none; };
}
`;

export interface OneBird {
  readonly peer: string;
  readonly socket: string;
  /** As `birdc show protocols` has the session: `start`, or `down` while it is shut. */
  state(): string;
  stop(): void;
}

/** Starts it in the network namespace of this process; its files are in `dir`. */
export async function startBird(dir: string): Promise<OneBird> {
  ensure(['bird2']);
  const [socket, config] = [join(dir, 'bird.ctl'), join(dir, 'bird.conf')];
  writeFileSync(config, CONFIG);
  const bird = spawn('bird', ['-f', '-c', config, '-s', socket, '-P', join(dir, 'bird.pid')], { stdio: 'ignore' });
  const kill = () => void bird.kill('SIGKILL');
  bird.unref();
  process.once('exit', kill);
  const state = () => /^uplink +BGP +\S+ +(\w+)/m.exec(run(`birdc -r -s ${socket} show protocols uplink`))?.[1] ?? '';
  await until('BIRD has its session', 10_000, () => state() === 'start');
  return { peer: PEER, socket, state, stop: kill };
}
