import { dirname } from 'node:path';
import { machineActions, type Plan } from '../../model/plan.ts';
import type { Check, Finding } from '../check.ts';
import type { FileState, Host } from '../host.ts';

const OTHERS_READ = 0o004;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/** Whether somebody else than its owner can put another file in place of one in this directory. */
function open({ mode }: FileState): boolean {
  return (mode & (GROUP_WRITES | OTHERS_WRITE)) !== 0 && (mode & STICKY) === 0;
}

/** A directory and those above it. */
function* upwards(path: string): Generator<string> {
  for (let at = path; ; at = dirname(at)) {
    yield at;
    if (at === dirname(at)) return;
  }
}

async function openDirectory(host: Host, path: string): Promise<string | undefined> {
  for (const directory of upwards(path)) {
    const state = await host.stat(directory);
    if (state !== undefined && open(state)) return directory;
  }
  return undefined;
}

/** Files whose directories decide who can change them, by what they are. */
function watched(plan: Plan): Map<string, string> {
  const paths = new Map([[plan.stateDir, 'the saved state']]);
  for (const spec of machineActions(plan)) if (spec.type === 'trackFile') paths.set(dirname(String(spec['path'])), 'track files');
  if (plan.control !== undefined) paths.set(dirname(plan.control), 'the control socket');
  if (plan.evidenceLog !== undefined) paths.set(dirname(plan.evidenceLog), 'the evidence log');
  return paths;
}

export const files: Check = {
  name: 'files',
  roles: ['load-balancer'],
  summary: 'nobody else can read secrets, or change what the agent writes',
  async run({ host, config: { file, plan } }) {
    if (plan === undefined || file === undefined)
      return [{ outcome: 'skipped', message: 'the files are named in the configuration' }];
    const findings: Finding[] = [];
    const own = await host.stat(file);
    if (own !== undefined && (own.mode & OTHERS_READ) !== 0) {
      const message = `${file} is readable by every user; it may hold tokens, headers and addresses that are not for everybody`;
      findings.push({
        outcome: 'warn',
        subject: 'configuration',
        message,
        fix: `chown root:fourlane ${file} && chmod 0640 ${file}`,
      });
    }
    if (own !== undefined && (own.mode & (GROUP_WRITES | OTHERS_WRITE)) !== 0) {
      const message = `${file} can be changed by others than its owner: who can do that decides what is taken out of service`;
      findings.push({ outcome: 'fail', subject: 'configuration', message, fix: `chmod go-w ${file}` });
    }
    for (const [path, what] of watched(plan)) {
      const directory = await openDirectory(host, path);
      if (directory === undefined) continue;
      const message = `others can write to ${directory}: they can put files of their own in place of ${what} in ${path}`;
      findings.push({ outcome: 'warn', subject: what, message, fix: `chmod go-w ${directory}` });
    }
    if (findings.length > 0) return findings;
    return [{ outcome: 'ok', message: `${file} and what is written are the agent's own` }];
  },
};
