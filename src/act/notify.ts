/** notify: the scripts of a keepalived.conf (notify_up, quorum_down and so on) for services that are taken over from it. */
import * as z from 'zod';
import type { Hook } from '../model/plan.ts';
import { type Account, accountOf } from '../sys/accounts.ts';
import { runCommand, STANDARD_PATH } from '../sys/child.ts';
import { monotonicMs } from '../sys/clock.ts';
import { insecure } from '../sys/script-security.ts';
import { actuator, type Actuator, type Outcome } from './actuator.ts';
import { keepalivedOwner, type Owner } from './ipvs/keepalived.ts';

/** keepalived waits for ever; a script that hangs would hold back the next change. */
const LONGEST_MS = 30_000;
/** How long a look for a running keepalived may take. */
const LOOK_MS = 2000;
/** Whom keepalived runs scripts as without a script_user, when there is such a user. */
const DEFAULT_USER = 'keepalived_script';

const hook = z.strictObject({ command: z.array(z.string()).min(1), user: z.string().optional(), group: z.string().optional() });

const done = (message?: string): Outcome[] => [message === undefined ? { result: 'done' } : { result: 'done', message }];

/** The actuator, with who asks whether a running keepalived has the service. */
export function makeNotify(owner: Owner): Actuator {
  return actuator({
    name: 'notify',
    summary: 'runs the scripts of an imported keepalived.conf, as keepalived would',
    schema: z.strictObject({
      up: hook.optional().describe('run when it comes into service'),
      down: hook.optional().describe('run when it goes out of service'),
    }),
    scopes: ['import'],
    idempotent: false,
    batch: false,
    concurrency: 16,
    identity: (spec) => JSON.stringify([spec.up, spec.down]),
    async perform({ up, down }, [{ state, vip = '' }]) {
      const script = (state === 'enabled' ? up : down) as Hook | undefined;
      if (script === undefined) return 'unchanged';
      // One that was run and failed has been run all the same: a change is announced once.
      const who = await owner(vip, AbortSignal.timeout(LOOK_MS));
      if (who !== undefined) return done(`${script.command[0]} is left to it: ${who}`);
      return done(await failureOf(script));
    },
  });
}

/** Runs a script as keepalived would. @returns what went wrong, in words; undefined: nothing. Never rejects */
async function failureOf({ command, user, group }: Hook): Promise<string | undefined> {
  const [program = '', ...args] = command;
  try {
    const as = await accountFor(user, group);
    const refusal = await insecure(program, as?.uid ?? process.geteuid!());
    if (refusal !== undefined) return `${program} was not run: ${refusal}`;
    const options = { env: { PATH: STANDARD_PATH }, timeoutMs: LONGEST_MS, ...(as === undefined ? {} : { as }) };
    const run = await runCommand([program, ...args], options);
    return run.ended === 'exit' && run.exitCode === 0 ? undefined : `${program} ${run.summary}`;
  } catch (error) {
    return `${program} was not run: ${(error as Error).message}`;
  }
}

/** undefined: the agent's own. */
async function accountFor(user: string | undefined, group: string | undefined): Promise<Account | undefined> {
  if (user !== undefined) return accountOf(user, group);
  return accountOf(DEFAULT_USER, undefined).catch(() => undefined);
}

export const notify = makeNotify(keepalivedOwner(monotonicMs));
