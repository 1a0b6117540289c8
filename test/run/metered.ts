/** Time on CPUs of a job with everything that it started: told by a control group of its own, of version 1 or 2. */
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where groups are made, and how one tells its time on CPUs. */
const KINDS = [
  { root: '/sys/fs/cgroup/cpuacct', file: 'cpuacct.usage', seconds: (text: string) => Number(text) / 1e9 },
  { root: '/sys/fs/cgroup', file: 'cpu.stat', seconds: (text: string) => Number(/^usage_usec (\d+)/m.exec(text)?.[1]) / 1e6 },
];

export interface Meter {
  /** The command that runs `argv` within the group. */
  command(argv: readonly string[]): readonly string[];
  /** Ends the metering. @returns CPU time so far, s; undefined when it can't be told */
  read(): number | undefined;
}

const NONE: Meter = { command: (argv) => argv, read: () => undefined };
let count = 0;

/** A meter for one job; one that tells nothing where groups can't be made, as without root. */
export function meter(): Meter {
  for (const { root, file, seconds } of KINDS) {
    const group = join(root, `fourlane-test-${process.pid}-${count++}`);
    try {
      mkdirSync(group);
      readFileSync(join(group, file));
    } catch {
      continue;
    }
    return {
      command: (argv) => ['sh', '-c', `echo $$ > ${group}/cgroup.procs; exec "$@"`, 'sh', ...argv],
      read: () => {
        const used = seconds(readFileSync(join(group, file), 'utf8'));
        try {
          rmdirSync(group);
        } catch {
          // A process of it is still there.
        }
        return used;
      },
    };
  }
  return NONE;
}
