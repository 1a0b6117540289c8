/** The key `report`: when the report of shadow mode is sent, and where to. */
import { createRequire } from 'node:module';
import type * as Cron from 'node-cron';
import * as z from 'zod';
import { duration, httpHeaders, httpUrl } from '../model/schema.ts';
import { absolutePath } from './fields.ts';

const FIELDS = 5;
const EXAMPLE = 'minute, hour, day of the month, month, day of the week, such as "0 8 * * 1-5"';

/** node-cron, loaded by the first report that is configured: most agents have none. */
export function cron(): typeof Cron {
  return createRequire(import.meta.url)('node-cron') as typeof Cron;
}

/** Why it is no schedule; undefined: it is one. */
function scheduleProblem(text: string): string | undefined {
  const count = text.trim().split(/\s+/).length;
  if (count !== FIELDS) return `has ${count} fields; write five: ${EXAMPLE}`;
  const { valid, errors } = cron().validateDetailed(text);
  const [first] = errors;
  return valid ? undefined : `${first === undefined ? 'is no schedule' : fieldProblem(first)}; write ${EXAMPLE}`;
}

function fieldProblem({ field, value }: { readonly field: string; readonly value?: string }): string {
  const name = field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return value === undefined ? `has a wrong ${name}` : `has a wrong ${name}: ${value}`;
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name }).format(0);
    return true;
  } catch {
    return false;
  }
}

export const reportSchema = z.strictObject({
  schedule: z
    .string()
    .max(200)
    .superRefine((text, ctx) => {
      const problem = scheduleProblem(text);
      if (problem !== undefined) ctx.addIssue({ code: 'custom', message: problem });
    })
    .meta({ description: `when, as cron has it: ${EXAMPLE}`, examples: ['0 8 * * 1-5'] }),
  timezone: z
    .string()
    .max(64)
    .refine(isTimezone, 'is no time zone that is known here; write one such as Europe/Berlin, or UTC')
    .optional()
    .describe("time zone of the schedule; default: the machine's"),
  to: z
    .strictObject({
      log: z.boolean().default(false).describe("into the agent's log, a line for each of its lines"),
      file: absolutePath.optional().describe('into this file, which holds the last one'),
      webhook: z
        .strictObject({
          url: httpUrl.meta({ description: 'where to POST it as JSON', examples: ['https://chat.example.net/hooks/lb'] }),
          headers: httpHeaders.describe('extra request headers, such as authorization'),
          timeout: duration(10, 300_000).prefault('10s').describe('for all of it; any answer but 2xx in it counts as failed'),
        })
        .optional()
        .describe('to this URL'),
    })
    .refine(({ log, file, webhook }) => log || file !== undefined || webhook !== undefined, 'names no place; write log: true')
    .prefault({ log: true })
    .describe('where to: one place or several'),
});
