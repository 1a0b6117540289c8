/** bfd: the state of a BFD session, as another program writes it into a file or prints it (BFD_CHECK). */
import * as z from 'zod';
import { BAD_LOCAL, type Cause, causeCode, LOCAL_ERROR, OK_LOCAL, phaseCode, type ProbeResult } from '../model/outcome.ts';
import { duration } from '../model/schema.ts';
import { monotonicMs } from '../sys/clock.ts';
import { fileVersion, readIfExists } from '../sys/files.ts';
import { runCommand, STANDARD_PATH } from '../sys/child.ts';
import { insecure } from '../sys/script-security.ts';
import { type AsyncCheck, checkKind, type RunContext } from './kind.ts';

const MOST_BYTES = 1 << 20;

const schema = z
  .strictObject({
    session: z
      .string()
      .regex(/^[^\s#]{1,255}$/, 'must be a name without blanks')
      .describe('name of the session: the first word of its line'),
    path: z
      .string()
      .regex(/^\/[\P{Cc}]+$/u, 'must be an absolute path')
      .max(4096)
      .optional()
      .describe('file with a line for each session, such as "peer1 Up"; any other word than Up is bad'),
    maxAge: duration(100, 3_600_000).prefault('10s').describe('an older file says nothing'),
    command: z
      .array(z.string())
      .min(1)
      .optional()
      .meta({ description: 'instead of a file: program and arguments that prints these lines; no shell', private: true }),
  })
  .refine(({ path, command }) => (path === undefined) !== (command === undefined), 'needs exactly one of "path" and "command"');
type Profile = z.output<typeof schema>;

type Ending = readonly [outcome: number, cause: Cause];
const NOTHING: Ending = [LOCAL_ERROR, 'file'];

export const bfd = checkKind({
  name: 'bfd',
  needsPort: false,
  runs: () => true,
  summary: 'state of a BFD session, from a file or a program (BFD_CHECK)',
  schema,
  prepare(profile): AsyncCheck {
    return {
      async run(context): Promise<ProbeResult> {
        const started = monotonicMs();
        const [outcome, cause] = await read(profile, context).catch(() => NOTHING);
        const elapsedUs = Math.round((monotonicMs() - started) * 1000);
        return { outcome, phase: phaseCode('run'), cause: causeCode(cause), detail: 0, rttUs: 0, elapsedUs };
      },
    };
  },
});

async function read({ session, path, maxAge, command }: Profile, context: RunContext): Promise<Ending> {
  const text = path === undefined ? await printed(command!, context) : await written(path, maxAge, context);
  const state = text === undefined ? undefined : stateOf(text, session);
  if (state === undefined) return NOTHING;
  return /^up$/i.test(state) ? [OK_LOCAL, 'none'] : [BAD_LOCAL, 'value'];
}

/** undefined: there is no such file, or it is too old: whoever writes it may have ended. */
async function written(path: string, maxAge: number, context: RunContext): Promise<string | undefined> {
  const version = await context.work(() => fileVersion(path));
  if (version === undefined || Date.now() - version.modified > maxAge) return undefined;
  return (await context.work(() => readIfExists(path, MOST_BYTES)))?.toString('utf8');
}

async function printed(command: readonly string[], context: RunContext): Promise<string | undefined> {
  const argv = command as [string, ...string[]];
  if ((await insecure(argv[0], process.getuid!())) !== undefined) return undefined;
  const { timeoutMs, signal } = context;
  const options = { env: { PATH: STANDARD_PATH }, timeoutMs, signal, maxOutput: MOST_BYTES };
  const { ended, exitCode, output } = await context.work(() => runCommand(argv, options));
  return ended === 'exit' && exitCode === 0 ? output : undefined;
}

/** The second word of the last line of the session; undefined: there is none. */
function stateOf(text: string, session: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  return lines.findLast(([name]) => name === session)?.[1];
}
