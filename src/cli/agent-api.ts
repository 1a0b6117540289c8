/** How commands talk to the running agent. */
import { parseArgs } from 'node:util';
import { FourlaneError } from '../model/errors.ts';
import type { Output } from './output.ts';

const DEFAULT_URL = 'http://127.0.0.1:9844';
const TIMEOUT_MS = 10_000;

/** Help lines of the options that every such command has. */
export const API_HELP = `  --json        print the agent's answer as it is
  --url URL     where the agent listens (default: $FOURLANE_URL, else ${DEFAULT_URL})
  --help        this text`;

export interface ApiArguments {
  readonly json: boolean;
  readonly help: boolean;
  readonly url: string;
  readonly words: readonly string[];
}

/** Parses the options above. Throws FourlaneError USAGE for others. */
export function parseApiArguments(argv: readonly string[]): ApiArguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        url: { type: 'string', default: process.env['FOURLANE_URL'] || DEFAULT_URL },
      },
    });
    return { json: values.json, help: values.help, url: values.url, words: positionals };
  } catch (error) {
    throw new FourlaneError('USAGE', (error as Error).message, { cause: error });
  }
}

/**
 * Asks the agent and returns its answer. Throws FourlaneError NO_AGENT when nobody answers as an agent does, or the agent's own
 * error.
 */
export async function askAgent<T>(base: string, path: string): Promise<T> {
  const noAgent = (why: string, cause?: unknown) =>
    new FourlaneError(
      'NO_AGENT',
      `no agent at ${base} (${why}); start one with \`fourlane agent\`, or say where it listens with --url`,
      { cause },
    );
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(new URL(path, base), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    body = await response.json();
  } catch (error) {
    const { cause, message } = error as Error;
    throw noAgent(cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message, error);
  }
  if (response.ok) return body as T;
  const { code, message } = body as { readonly code?: unknown; readonly message?: unknown };
  if (code !== 'NOT_FOUND' && code !== 'BAD_REQUEST') throw noAgent(`HTTP status ${response.status}`);
  throw new FourlaneError(code, String(message));
}

/** Prints an error for people; the exit code is 3 when there is no agent, else 1. */
export function reportFailure(error: unknown, { err }: Output): number {
  if (!(error instanceof FourlaneError)) throw error;
  err(`fourlane: ${error.message}\n`);
  return error.code === 'NO_AGENT' ? 3 : 1;
}
