/** exec: a script, as keepalived's MISC_CHECK: exit 0 is good, others may be weights. */
import * as z from 'zod';
import { type Cause, causeCode, L7, LOCAL_ERROR, OK, phaseCode, type ProbeResult } from '../model/outcome.ts';
import { formatAddress } from '../model/address.ts';
import type { Address } from '../model/plan.ts';
import { type Account, accountOf } from '../sys/accounts.ts';
import { type CommandResult, runCommand, STANDARD_PATH } from '../sys/child.ts';
import { insecure } from '../sys/script-security.ts';
import { type AsyncCheck, checkKind, type RunContext } from './kind.ts';

const account = z.string().regex(/^[A-Za-z_][\w.-]{0,31}\$?$|^\d{1,10}$/, 'must be a name or a number');

const schema = z.strictObject({
  command: z
    .array(z.string())
    .min(1)
    .meta({
      description:
        'program and arguments; no shell. Environment: the standard PATH, FOURLANE_NIC, _DEVICE, _ADDRESS, _IP, _PORT and ' +
        '_TIMEOUT_MS; what it prints is dropped',
      private: true,
    }),
  dynamic: z.boolean().optional().describe('true: exit 2 to 255 is good and sets the weight to the code less 2; 1 is bad'),
  user: account.optional().describe('user to run it as; default: that of the agent'),
  group: account.optional().describe('group to run it as; default: that of the user'),
});
const consistent = schema.refine(({ user, group }) => group === undefined || user !== undefined, {
  path: ['group'],
  message: 'is of no use without "user"; write that too, or remove this',
});
type Profile = z.output<typeof schema>;

/** From SIGTERM to SIGKILL, as for MISC_CHECK. */
const KILL_GRACE_MS = 2000;
/** The weight is the exit code less this. */
const FIRST_WEIGHT = 2;

/** A script proves nothing about the link: 1…255 is a bad service with an unknown link, so it counts as an L7 failure. */
const ENDINGS: Readonly<Record<CommandResult['ended'], readonly [number, Cause]>> = {
  exit: [L7, 'exit_code'],
  signal: [L7, 'signal'],
  timeout: [L7, 'deadline'],
  cancelled: [LOCAL_ERROR, 'cancelled'],
  spawn: [LOCAL_ERROR, 'unsupported'],
};

export const exec = checkKind({
  name: 'exec',
  needsPort: false,
  runs: () => true,
  graceMs: KILL_GRACE_MS + 1000,
  summary: 'script; exit 0 is good, other codes may be weights (MISC_CHECK)',
  schema: consistent,
  prepare(profile, address): AsyncCheck {
    return { run: (context) => run(profile, address, context) };
  },
});

async function run({ command, dynamic, user, group }: Profile, address: Address, context: RunContext): Promise<ProbeResult> {
  const argv = command as [string, ...string[]];
  let as: Account | undefined;
  try {
    as = user === undefined ? undefined : await accountOf(user, group);
    if ((await insecure(argv[0], as?.uid ?? process.getuid!())) !== undefined) return ended([LOCAL_ERROR, 'insecure']);
  } catch {
    return ended([LOCAL_ERROR, 'unsupported']);
  }
  const env = {
    PATH: STANDARD_PATH,
    FOURLANE_NIC: context.nic,
    FOURLANE_DEVICE: context.device,
    FOURLANE_ADDRESS: formatAddress(address),
    FOURLANE_IP: address.ip,
    FOURLANE_PORT: String(address.port),
    FOURLANE_TIMEOUT_MS: String(context.timeoutMs),
  };
  const { timeoutMs, signal } = context;
  const options = { env, timeoutMs, signal, maxOutput: 0, killGraceMs: KILL_GRACE_MS, ...(as === undefined ? {} : { as }) };
  const result = await context.work(() => runCommand(argv, options));
  return ended(meaningOf(result, dynamic === true), result);
}

function meaningOf({ ended: how, exitCode }: CommandResult, dynamic: boolean): readonly [number, Cause, number?] {
  if (how !== 'exit') return ENDINGS[how];
  if (exitCode === 0) return [OK, 'none'];
  if (dynamic && exitCode >= FIRST_WEIGHT) return [OK, 'weight', exitCode - FIRST_WEIGHT];
  return [...ENDINGS.exit, exitCode];
}

function ended([outcome, cause, detail = 0]: readonly [number, Cause, number?], result?: CommandResult): ProbeResult {
  const elapsedUs = Math.round((result?.elapsedMs ?? 0) * 1000);
  return { outcome, phase: phaseCode('run'), cause: causeCode(cause), detail, rttUs: 0, elapsedUs };
}
