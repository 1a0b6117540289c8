/** Schema pieces shared by config, checks and actuators. Pure: text in, values or issues out. */
import * as z from 'zod';
import { formatDuration, parseDuration } from './duration.ts';
import { TOKEN } from './http-token.ts';

/** A duration in config text; the parsed value is ms. */
export function duration(minMs: number, maxMs: number) {
  return z
    .string()
    .meta({ examples: ['500ms', '1s', '2m'] })
    .transform((text, ctx) => {
      const ms = parseDuration(text);
      if (ms === undefined) {
        ctx.addIssue({ code: 'custom', message: `"${text}" is not a duration; write a number and a unit, like 500ms, 1s or 2m` });
        return z.NEVER;
      }
      if (ms < minMs || ms > maxMs) {
        ctx.addIssue({ code: 'custom', message: `${text} is outside ${formatDuration(minMs)} … ${formatDuration(maxMs)}` });
        return z.NEVER;
      }
      return ms;
    });
}

/** An http:// or https:// URL without credentials. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'is not an http:// or https:// URL' })
  .max(8192)
  .refine((url) => !/^https?:\/\/[^/]*@/.test(url), 'must not hold a user or password; put an authorization header into headers');

/** Extra request headers by name. Secret: they may hold credentials. */
export const httpHeaders = z
  .record(
    z.string().regex(new RegExp(`^[${TOKEN}]{1,256}$`), 'is not a header name'),
    z
      .string()
      .max(4096)
      .regex(/^[\x20-\x7e\t]*$/, 'must be printable ASCII'),
  )
  .default({})
  .meta({ secret: true });
