/** The parameters of an HTTP request and of what its response must be, shared by http and ssl. */
import { z } from 'zod';
import { TOKEN } from '../model/schema.ts';

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

function compiles(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}

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
    .refine(compiles, 'is not a valid regular expression (JavaScript syntax)')
    .optional()
    .describe('regular expression the body must match'),
  md5: z
    .string()
    .regex(/^[0-9a-fA-F]{32}$/, 'must be 32 hex digits')
    .optional()
    .describe('MD5 of the body, as genhash prints it'),
  maxBody: z
    .int()
    .min(1)
    .max(64 << 20)
    .default(1 << 20)
    .describe('bytes of body read at most when the body is examined'),
};

/** As they are after the defaults are filled in. */
export type HttpParameters = z.output<z.ZodObject<typeof httpParameters>>;
