/** How commands talk to the running agent: over its control socket, else over HTTP. */
import { lstatSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FourlaneError } from '../model/errors.ts';
import { exchange } from '../sys/http.ts';
import { listenersOf } from '../sys/listener.ts';
import type { Output } from './output.ts';

const DEFAULT_SOCKET = '/run/fourlane/control';
const DEFAULT_URL = 'http://127.0.0.1:9844';
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 256 << 20;

/** Help lines of the options that every such command has. */
export const API_HELP = `  --json        print the agent's answer as it is
  --url URL     where the agent is: http://HOST:PORT, or unix:/PATH of its control socket
                (default: $FOURLANE_URL, else unix:${DEFAULT_SOCKET}, else ${DEFAULT_URL})
  --help        this text`;

interface ApiArguments {
  readonly json: boolean;
  readonly help: boolean;
  readonly url: string;
  readonly words: readonly string[];
}

/** Parses the options above. Throws FourlaneError USAGE for others. */
function parseApiArguments(argv: readonly string[]): ApiArguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        url: { type: 'string', default: process.env['FOURLANE_URL'] || usualPlace() },
      },
    });
    return { json: values.json, help: values.help, url: values.url, words: positionals };
  } catch (error) {
    throw new FourlaneError('USAGE', (error as Error).message, { cause: error });
  }
}

function usualPlace(): string {
  try {
    if (lstatSync(DEFAULT_SOCKET).isSocket()) return `unix:${DEFAULT_SOCKET}`;
  } catch {
    // Not there, or not for this user: reading is open to everybody over HTTP.
  }
  return DEFAULT_URL;
}

/**
 * Asks the agent and returns its answer. Throws FourlaneError NO_AGENT when nobody answers as an agent does, or the agent's own
 * error.
 */
export async function askAgent<T>(base: string, path: string, method: 'GET' | 'POST' = 'GET'): Promise<T> {
  const noAgent = (why: string, cause?: unknown) =>
    new FourlaneError(
      'NO_AGENT',
      `no agent at ${base} (${why}); start one with \`fourlane agent\`, or say where it is with --url`,
      { cause },
    );
  const socketPath = /^unix:(.+)$/.exec(base)?.[1];
  if (socketPath === undefined) await refuseStranger(base, noAgent);
  let status: number;
  let body: unknown;
  try {
    const url = new URL(path, socketPath === undefined ? base : 'http://localhost').href;
    const options = { method, timeoutMs: TIMEOUT_MS, mostBytes: MOST_BYTES, ...(socketPath === undefined ? {} : { socketPath }) };
    const answer = await exchange(url, options);
    status = answer.status;
    body = JSON.parse(answer.body.toString());
  } catch (error) {
    throw noAgent((error as Error).message, error);
  }
  if (status >= 200 && status < 300) return body as T;
  const { code, message } = body as { readonly code?: unknown; readonly message?: unknown };
  if (!AGENT_ERRORS.has(String(code))) throw noAgent(`HTTP status ${status}`);
  throw new FourlaneError(code as 'NOT_FOUND', String(message));
}

/** Errors that only an agent gives. */
const AGENT_ERRORS: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'BAD_REQUEST',
  'FORBIDDEN',
  'UNAUTHORIZED',
  'CONFIG_INVALID',
  'CONFIG_UNREADABLE',
]);

/** On this machine anybody may have taken the agent's port: he must not speak for it. */
async function refuseStranger(base: string, noAgent: (why: string) => FourlaneError): Promise<void> {
  if (!URL.canParse(base)) throw noAgent('this is no URL');
  const { hostname, port } = new URL(base);
  if (!/^(127\.|localhost$|\[::1\]$)/.test(hostname)) return;
  const own = process.geteuid?.();
  for (const uid of await listenersOf(Number(port || 80)))
    if (uid !== 0 && uid !== own && nameOfUser(uid) !== 'fourlane')
      throw noAgent(`uid ${uid} listens there, which is neither root nor the user fourlane`);
}

function nameOfUser(uid: number): string | undefined {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  return users.map((line) => line.split(':')).find(([, , number]) => Number(number) === uid)?.[0];
}

/** What a command makes of the agent's answers: its exit status. A string is what is wrong with its words. */
export type AgentCommand = (options: Omit<ApiArguments, 'help'>) => Promise<number | string>;

/**
 * Runs a command that asks the agent. Resolves with its exit status: 1 for wrong words or an error of the agent's, 3 = no agent.
 */
export async function withAgent(argv: readonly string[], io: Output, help: string, command: AgentCommand): Promise<number> {
  try {
    const options = parseApiArguments(argv);
    if (options.help) {
      io.out(`${help}\n`);
      return 0;
    }
    const ended = await command(options);
    if (typeof ended === 'number') return ended;
    io.err(`fourlane: ${ended}\n\n${help}\n`);
    return 1;
  } catch (error) {
    if (!(error instanceof FourlaneError)) throw error;
    io.err(`fourlane: ${error.message}\n`);
    return error.code === 'NO_AGENT' ? 3 : 1;
  }
}
