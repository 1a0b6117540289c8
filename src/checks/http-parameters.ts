/** The parameters of an HTTP request and of what its response must be, shared by http and ssl. */
import { z } from 'zod';
import { TOKEN } from '../model/schema.ts';
import { compilePattern, patternProblem } from './pattern/linear.ts';

const token = new RegExp(`^[${TOKEN}]+$`);

/** `200`, `200-299`, `200-299,404` → list of [low, high]. */
const statusRanges = z.union([z.int(), z.string()]).transform((value, ctx) => {
  const ranges: [number, number][] = [];
  for (const part of String(value).split(',')) {
    const match = /^\s*(\d{3})(?:\s*-\s*(\d{3}))?\s*$/.exec(part);
    const low = Number(match?.[1]);
    const high = Number(match?.[2] ?? match?.[1]);
    if (!match || low < 100 || high > 599 || low > high) {
      ctx.addIssue({
        code: 'custom',
        message: `"${part.trim()}" is not an HTTP status or range; write 200, 200-299 or 200-299,404`,
      });
      return z.NEVER;
    }
    ranges.push([low, high]);
  }
  return ranges;
});

/**
 * Bytes of body read at most, unless the profile says otherwise. A regular expression takes more time for each byte than the
 * rest.
 */
const MAX_BODY = 1 << 20;
const MAX_BODY_OF_PATTERN = 1 << 16;
/** Steps that matching one body may take at most, at some 20 ns each. */
const MAX_STEPS = 1 << 25;

export const httpParameters = {
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']).default('GET'),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'must begin with / and hold printable ASCII without blanks')
    .max(8192)
    .default('/'),
  host: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII')
    .max(255)
    .optional()
    .describe('Host header; default: the address'),
  headers: z
    .record(z.string().regex(token, 'is not a header name'), z.string().regex(/^[\x20-\x7e\t]*$/, 'must be printable ASCII'))
    .default({})
    .meta({ description: 'more request headers', secret: true }),
  status: statusRanges.default([[200, 299]]).describe('accepted statuses: 200, 200-299 or 200-299,404'),
  contains: z.string().min(1).max(4096).optional().describe('text the body must contain'),
  matches: z
    .string()
    .min(1)
    .max(1024)
    .superRefine((source, ctx) => {
      const problem = patternProblem(source);
      if (problem !== undefined) ctx.addIssue({ code: 'custom', message: problem });
    })
    .optional()
    .describe('regular expression the body must match: JavaScript, but without look-around, references to groups and the flag m'),
  md5: z
    .string()
    .regex(/^[0-9a-fA-F]{32}$/, 'must be 32 hex digits')
    .optional()
    .describe('MD5 of the body, as genhash prints it'),
  maxBody: z
    .int()
    .min(1)
    .max(64 << 20)
    .optional()
    .describe(`bytes of body read at most when the body is examined; default ${MAX_BODY}, with matches ${MAX_BODY_OF_PATTERN}`),
};

/** As they are after the defaults are filled in. */
export type HttpParameters = z.output<z.ZodObject<typeof httpParameters>>;

/** Bytes of body that a check reads at most. */
export function bodyLimit({ maxBody, matches }: Pick<HttpParameters, 'maxBody' | 'matches'>): number {
  return maxBody ?? (matches === undefined ? MAX_BODY : MAX_BODY_OF_PATTERN);
}

/** Adds an issue when a body as long as allowed could take too long to match. */
export function boundedMatching(p: Pick<HttpParameters, 'maxBody' | 'matches'>, ctx: z.RefinementCtx): void {
  if (p.matches === undefined || patternProblem(p.matches) !== undefined) return;
  const most = Math.floor(MAX_STEPS / compilePattern(p.matches).size);
  if (bodyLimit(p) > most) {
    const message = `takes too long for ${bodyLimit(p)} bytes; make maxBody at most ${most}, or the counted repeats shorter`;
    ctx.addIssue({ code: 'custom', path: ['matches'], message });
  }
}
