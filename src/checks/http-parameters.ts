/** The parameters of an HTTP request and of what its response must be, shared by http and ssl. */
import * as z from 'zod';
import { TOKEN } from '../model/http-token.ts';
import { compilePattern, type Pattern, patternProblem } from './pattern/linear.ts';

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
const MOST_OFFSET = 64 << 20;
/** Steps that matching one body may take at most, at some 20 ns each. */
const MAX_STEPS = 1 << 25;

const md5 = z.string().regex(/^[0-9a-fA-F]{32}$/, 'must be 32 hex digits');

/** What one page must be; how it is asked for stands beside it. */
const page = {
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'must begin with / and hold printable ASCII without blanks')
    .max(8192)
    .describe('request target'),
  host: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII')
    .max(255)
    .describe('Host header; default: the address'),
  status: statusRanges.describe('accepted statuses: 200, 200-299 or 200-299,404'),
  contains: z.string().min(1).max(4096).describe('text the body must contain'),
  matches: z
    .string()
    .min(1)
    .max(1024)
    .superRefine((source, ctx) => {
      const problem = patternProblem(source);
      if (problem !== undefined) ctx.addIssue({ code: 'custom', message: problem });
    })
    .describe('regular expression the body must match: JavaScript, but without look-around, references to groups and the flag m'),
  matchFlags: z
    .array(z.enum(['caseless', 'dotall']))
    .max(2)
    .describe('of matches: caseless: small and capital letters are the same; dotall: . matches the end of a line too'),
  noMatch: z.boolean().describe('true: the body must not match'),
  matchFrom: z.int().min(0).max(MOST_OFFSET).describe('first position in the body at which the match may begin'),
  matchTo: z.int().min(0).max(MOST_OFFSET).describe('last position in the body at which the match may begin; default: any'),
  md5: md5.describe('MD5 of the body, without the framing of a chunked one'),
  digest: md5.describe('MD5 of all that follows the header, as genhash prints it: the framing of a chunked body included'),
  maxBody: z
    .int()
    .min(1)
    .max(MOST_OFFSET)
    .describe(`bytes of body read at most when the body is examined; default ${MAX_BODY}, with matches ${MAX_BODY_OF_PATTERN}`),
};

const optional = Object.fromEntries(Object.entries(page).map(([name, schema]) => [name, schema.optional()])) as unknown as {
  [K in keyof typeof page]: z.ZodOptional<(typeof page)[K]>;
};

export const httpParameters = {
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']).default('GET'),
  ...optional,
  path: page.path.default('/'),
  status: page.status.default([[200, 299]]),
  protocol: z
    .enum(['1.0', '1.0C', '1.1'])
    .optional()
    .describe('version of HTTP; 1.0C is 1.0 with Connection: close; default: 1.1'),
  headers: z
    .record(z.string().regex(token, 'is not a header name'), z.string().regex(/^[\x20-\x7e\t]*$/, 'must be printable ASCII'))
    .default({})
    .meta({ description: 'more request headers', secret: true }),
  urls: z
    .array(z.strictObject(optional))
    .min(1)
    .max(32)
    .optional()
    .describe('several pages, one after the other, all of which must be good; what one does not say is as for the check'),
};

/** As they are after the defaults are filled in. */
export type HttpParameters = z.output<z.ZodObject<typeof httpParameters>>;
/** Those of one page. */
export type PageParameters = Omit<HttpParameters, 'urls'>;

/** The pages of a check, each with all that it is asked for. */
export function pagesOf({ urls, ...common }: HttpParameters): readonly PageParameters[] {
  return urls?.map((own) => ({ ...common, ...own }) as PageParameters) ?? [common];
}

/** Bytes of body that a check reads at most. */
export function bodyLimit({ maxBody, matches }: Pick<PageParameters, 'maxBody' | 'matches'>): number {
  return maxBody ?? (matches === undefined ? MAX_BODY : MAX_BODY_OF_PATTERN);
}

/** The pattern of a page; undefined when it has none. @throws as `compilePattern` */
export function patternOf({ matches, matchFlags = [] }: PageParameters): Pattern | undefined {
  return matches === undefined ? undefined : compilePattern(matches, flagsOf(matchFlags));
}

function flagsOf(flags: NonNullable<PageParameters['matchFlags']>) {
  return { ignoreCase: flags.includes('caseless'), dotAll: flags.includes('dotall') };
}

const OF_MATCHES = ['matchFlags', 'noMatch', 'matchFrom', 'matchTo'] as const;

/** Adds an issue for what is senseless without a pattern, and when a body as long as allowed could take too long to match. */
export function boundedMatching(p: HttpParameters, ctx: z.RefinementCtx): void {
  pagesOf(p).forEach((each, k) => {
    const own = p.urls?.[k] as Record<string, unknown> | undefined;
    const complain = (key: keyof typeof page, message: string) =>
      ctx.addIssue({ code: 'custom', path: own?.[key] === undefined ? [key] : ['urls', k, key], message });
    if (each.matches === undefined) {
      const idle = OF_MATCHES.find((key) => each[key] !== undefined);
      if (idle !== undefined) complain(idle, 'is of no use without "matches"; write that too, or remove this');
      return;
    }
    if (patternProblem(each.matches) !== undefined) return;
    const problem = patternProblem(each.matches, flagsOf(each.matchFlags ?? []));
    if (problem !== undefined) return complain('matches', problem);
    const most = Math.floor(MAX_STEPS / patternOf(each)!.size);
    if (bodyLimit(each) > most)
      complain(
        'matches',
        `takes too long for ${bodyLimit(each)} bytes; make maxBody at most ${most}, or the counted repeats shorter`,
      );
    if (each.matchTo !== undefined && (each.matchFrom ?? 0) > each.matchTo)
      complain('matchFrom', `is ${each.matchFrom}, after matchTo, ${each.matchTo}; no match could begin there`);
  });
}
