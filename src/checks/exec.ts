/** exec: a script, as keepalived's MISC_CHECK: exit 0 is good. */
import { z } from 'zod';
import { type Cause, causeCode, L7, LOCAL_ERROR, OK, phaseCode } from '../model/outcome.ts';
import { formatAddress } from '../model/schema.ts';
import { type CommandResult, runCommand, STANDARD_PATH } from '../sys/child.ts';
import { type AsyncCheck, checkKind } from './kind.ts';

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
});

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
  summary: 'script; exit 0 is good (MISC_CHECK)',
  schema,
  prepare({ command }, address): AsyncCheck {
    return {
      async run(context) {
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
        const argv = command as [string, ...string[]];
        const result = await context.work(() => runCommand(argv, { env, timeoutMs, signal, maxOutput: 0 }));
        const elapsedUs = Math.round(result.elapsedMs * 1000);
        const good = result.ended === 'exit' && result.exitCode === 0;
        const [outcome, cause] = good ? ([OK, 'none'] as const) : ENDINGS[result.ended];
        return {
          outcome,
          phase: phaseCode('run'),
          cause: causeCode(cause),
          detail: Math.max(0, result.exitCode),
          rttUs: 0,
          elapsedUs,
        };
      },
    };
  },
});
