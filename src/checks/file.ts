/** file: the number in a file, as keepalived's FILE_CHECK: a state, or a change of the weight. */
import * as z from 'zod';
import { BAD_LOCAL, type Cause, causeCode, LOCAL_ERROR, OK_LOCAL, phaseCode, type ProbeResult } from '../model/outcome.ts';
import { monotonicMs } from '../sys/clock.ts';
import { FileError, readIfExists } from '../sys/files.ts';
import { type AsyncCheck, checkKind, type RunContext } from './kind.ts';

const MOST = 2_147_483_647;
const MOST_BYTES = 4096;

const schema = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\P{Cc}]+$/u, 'must be an absolute path')
    .max(4096)
    .describe('file that holds a number; one that is not there counts as 0'),
  weight: z
    .int()
    .min(-MOST)
    .max(MOST)
    .optional()
    .describe(
      'the number times this is added to the weight of the real server; default: 0 in the file is good, any other number bad',
    ),
  reverse: z.boolean().optional().describe('true: the other way round: 0 is bad, or the weight is taken away'),
});
type Profile = z.output<typeof schema>;

/** What a number means. */
interface Meaning {
  readonly outcome: number;
  readonly cause: Cause;
  readonly detail: number;
}

export const file = checkKind({
  name: 'file',
  needsPort: false,
  runs: () => true,
  summary: 'number in a file: good or bad, or a change of the weight (FILE_CHECK)',
  schema,
  prepare(profile): AsyncCheck {
    return {
      async run(context): Promise<ProbeResult> {
        const started = monotonicMs();
        const { outcome, cause, detail } = await read(profile, context);
        const elapsedUs = Math.round((monotonicMs() - started) * 1000);
        return { outcome, phase: phaseCode('run'), cause: causeCode(cause), detail, rttUs: 0, elapsedUs };
      },
    };
  },
});

async function read(profile: Profile, context: RunContext): Promise<Meaning> {
  try {
    const bytes = await context.work(() => readIfExists(profile.path, MOST_BYTES));
    const value = bytes === undefined ? 0 : numberIn(bytes.toString('latin1'));
    return value === undefined ? { outcome: LOCAL_ERROR, cause: 'file', detail: 0 } : meaningOf(value, profile);
  } catch (error) {
    const code = error instanceof FileError ? ((error.cause as NodeJS.ErrnoException).errno ?? 0) : 0;
    return { outcome: LOCAL_ERROR, cause: 'file', detail: Math.abs(code) };
  }
}

/** The number at the beginning of a text; an empty one is 0. */
function numberIn(text: string): number | undefined {
  const match = /^\s*([+-]?)(0x[\da-f]+|\d+)?(?:\s|$)/i.exec(text);
  if (!match) return undefined;
  const value = Number(match[2] ?? 0) * (match[1] === '-' ? -1 : 1);
  return Math.abs(value) <= MOST ? value : undefined;
}

function meaningOf(value: number, { weight = 0, reverse = false }: Profile): Meaning {
  if (weight === 0) {
    if ((value === 0) !== reverse) return { outcome: OK_LOCAL, cause: 'none', detail: 0 };
    return { outcome: BAD_LOCAL, cause: 'value', detail: value };
  }
  const change = value * weight * (reverse ? -1 : 1);
  // keepalived's IPVS_WEIGHT_FAULT.
  if (change < -MOST) return { outcome: BAD_LOCAL, cause: 'value', detail: value };
  const most = Math.min(change, MOST);
  return most === 0
    ? { outcome: OK_LOCAL, cause: 'none', detail: 0 }
    : { outcome: OK_LOCAL, cause: 'weight_change', detail: most };
}
