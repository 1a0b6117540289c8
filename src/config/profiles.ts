/**
 * Check profiles, actuators and collectors as they are written in the file: built from the lists, so a new entry there is known
 * here.
 */
import * as z from 'zod';
import { actuators } from '../act/index.ts';
import { checkKinds } from '../checks/index.ts';
import { collectors } from '../collect/index.ts';
import { blockSchema } from '../collect/settings.ts';
import type { ActuatorSpec, CheckProfile } from '../model/plan.ts';
import { duration } from '../model/schema.ts';
import { hostAddress } from './fields.ts';
import { didYouMean, listed } from './problem.ts';

const timing = {
  interval: duration(100, 3_600_000).prefault('1s').describe('time between two checks of one real server on one NIC'),
  timeout: duration(10, 3_600_000)
    .optional()
    .describe('longest time a check may take, at most the interval; default: 500ms, or the interval when that is shorter'),
  fall: z.int().min(1).max(10).default(3).describe('consecutive bad results until a cell is failed'),
  rise: z.int().min(1).max(10).default(2).describe('consecutive good results until a failed cell is good again'),
  connectIp: hostAddress.optional().describe('address to check instead of that of the real server'),
  connectPort: z.int().min(1).max(65_535).optional().describe('port to check instead of that of the real server'),
  mark: z
    .int()
    .min(1)
    .max(0xffff_ffff)
    .optional()
    .describe('firewall mark (SO_MARK) of the packets of the check; needs CAP_NET_ADMIN'),
};

const DEFAULT_TIMEOUT_MS = 500;

const kinds = checkKinds.map((kind) =>
  kind.schema
    .safeExtend({ type: z.literal(kind.name).describe(kind.summary), ...timing })
    .transform((parsed, ctx): CheckProfile => {
      const profile = parsed as Omit<CheckProfile, 'timeout'> & { interval: number; timeout?: number };
      const { interval, timeout = Math.min(DEFAULT_TIMEOUT_MS, interval) } = profile;
      if (timeout > interval) {
        const message = `${timeout}ms is longer than the interval of ${interval}ms; lower the timeout or raise the interval`;
        ctx.addIssue({ code: 'custom', path: ['timeout'], message });
      }
      return { ...(profile as CheckProfile), timeout };
    }),
);

/** A check profile: `type` and that kind's parameters, with timing. */
export const checkProfile = z
  .discriminatedUnion('type', kinds as unknown as [(typeof kinds)[number]])
  .meta({ description: 'check profile', examples: [{ type: 'tcp' }] });

/** Why a check profile can't be in a file; undefined: it can. */
export function checkProblem(profile: unknown): string | undefined {
  const issue = checkProfile.safeParse(profile).error?.issues[0];
  return issue === undefined ? undefined : `${issue.path.join('.')}: ${issue.message}`;
}

/** The profile of a service that names none. */
export const DEFAULT_CHECK: CheckProfile = checkProfile.parse({ type: 'tcp' });

const PLACES = { nic: 'onFail of a NIC', service: "a service's actuator" } as const;

/**
 * An actuator as written: a mapping of one actuator's name to its parameters, or the name of one that needs none.
 * @param place how messages name where it stands
 */
export function actuatorSpec(scope: 'nic' | 'service', place: string = PLACES[scope]) {
  const usable = actuators.filter((actuator) => actuator.scopes.includes(scope));
  const names = usable.map((actuator) => actuator.name);
  const sufficient = usable.filter((actuator) => actuator.schema.safeParse({}).success).map((actuator) => actuator.name);
  const bare = z.enum(sufficient, {
    error: ({ input }) => (typeof input === 'string' ? complain(input, scope, place) : undefined),
  });
  const withParameters = z
    .strictObject(
      Object.fromEntries(
        usable
          .filter((actuator) => actuator.name !== 'none')
          .map((actuator) => [actuator.name, actuator.schema.describe(actuator.summary).optional()]),
      ),
      {
        error: (issue) => {
          if (issue.code !== 'unrecognized_keys') return undefined;
          return (issue as unknown as { keys: string[] }).keys.map((key) => complain(key, scope, place)).join('; ');
        },
      },
    )
    .meta({ minProperties: 1, maxProperties: 1 })
    .transform((entry, ctx): ActuatorSpec => {
      const [found, ...more] = Object.entries(entry);
      if (found && more.length === 0) return { type: found[0], ...(found[1] as object) };
      if (ctx.issues.length > 0) return z.NEVER; // an unknown key has been reported already
      ctx.addIssue({
        code: 'custom',
        message: `found ${found ? 'several actuators' : 'none'} in one entry; write exactly one of ${listed(names)}`,
      });
      return z.NEVER;
    });
  const defaults = (type: string) => usable.find((actuator) => actuator.name === type)!.schema.parse({});
  return z.union([bare.transform((type): ActuatorSpec => ({ type, ...defaults(type) })), withParameters]);
}

/** Why a word is not a usable actuator by itself. */
function complain(word: string, scope: 'nic' | 'service', place: string): string {
  const known = actuators.find((actuator) => actuator.name === word);
  const usable = actuators.filter((actuator) => actuator.scopes.includes(scope)).map((actuator) => actuator.name);
  if (!known) return `unknown actuator "${word}"${didYouMean(word, usable)}; allowed: ${listed(usable)}`;
  if (!usable.includes(word)) return `"${word}" can't be used as ${place}; allowed: ${listed(usable)}`;
  return `"${word}" needs parameters (${Object.keys(known.schema.shape).join(', ') || 'none'}); write ${word}: {…} as a mapping`;
}

/**
 * Each collector's block, or `false`; one that is not written runs with its defaults and finds out whether its source is there.
 */
export const collectorBlocks = z
  .strictObject(
    Object.fromEntries(
      collectors.map((collector) => {
        const off = z.literal(false, { error: 'must be a mapping, or false to turn the collector off' });
        return [
          collector.name,
          z
            .union([off, blockSchema(collector)])
            .prefault({})
            .describe(`${collector.summary}; false: off`),
        ];
      }),
    ),
  )
  .prefault({})
  .describe("each collector's own block; without one it runs when its source is found, `false` turns it off");
