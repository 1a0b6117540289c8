/** `fourlane agent`: the daemon. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FourlaneError } from '../model/errors.ts';
import type { Agent } from '../daemon/agent.ts';
import { startAgent } from '../main.ts';
import { saveCompiled } from '../sys/compiled.mjs';
import { exitNow } from '../sys/libc.ts';
import { type Logger, makeLog } from '../sys/log.ts';
import { notifyManager } from '../sys/service-manager.ts';
import { type Output, terminal } from './output.ts';
import { VERSION } from './version.ts';

const HELP = `Usage: fourlane agent --config FILE [--log-level LEVEL] [--pretty]

The daemon. Probes every real server through every NIC, judges, acts, and serves metrics, API and status page on \`listen\`.
SIGHUP reloads the configuration; SIGTERM and SIGINT end it and leave what is disabled as it is.

  --config FILE       the configuration (fourlane.yaml)
  --log-level LEVEL   trace, debug, info, warn or error; default info
  --pretty            readable lines instead of JSON; default when stdout is a terminal

Example: fourlane agent --config /etc/fourlane.yaml
`;

/** The end waits no longer than this for what is under way, ms. */
const PATIENCE_MS = 4000;
/** A start that a signal has overtaken may take this long to get to where it can be ended, ms. */
const START_PATIENCE_MS = 800;

/** Reports to systemd, if that has started us; it is no reason to end when it does not listen. */
function report(log: Logger, state: 'READY=1' | 'STOPPING=1'): void {
  try {
    notifyManager(state);
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'the service manager does not take our state');
  }
}

/** Runs until a signal; resolves with the exit code. */
export async function agent(argv: readonly string[], { out }: Output = terminal): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string' },
      'log-level': { type: 'string', default: 'info' },
      pretty: { type: 'boolean', default: process.stdout.isTTY },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  const level = values['log-level'];
  if (!/^(trace|debug|info|warn|error)$/.test(level))
    throw new FourlaneError('USAGE', `--log-level ${level}: use trace, debug, info, warn or error`);
  if (values.config === undefined) throw new FourlaneError('USAGE', '--config FILE is missing');
  const { logger: log, dropped: logDropped, written: logWritten } = makeLog(level, values.pretty);
  const chaos = process.env['FOURLANE_CHAOS'] === '1';
  const killAt = process.env['FOURLANE_CHAOS_KILL_AT'];
  const options = { config: values.config, version: VERSION, log, logDropped, chaos, killAt };
  let running: Agent | undefined;
  let reloadAsked = false;
  // Before the start: by default SIGHUP ends a process. The file may have been read already, so it is read again.
  process.on('SIGHUP', () => {
    reloadAsked = true;
    void running?.reload();
  });
  const starting = startAgent(options);
  // The file has been read by now. Before, which may be waiting for a FIFO, a signal ends the process by itself.
  const signalled = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
  });
  running = await Promise.race([starting, signalled.then(() => sleep(START_PATIENCE_MS, undefined))]);
  saveCompiled();
  if (running !== undefined) {
    if (reloadAsked) void running.reload();
    report(log, 'READY=1');
  }
  const signal = await signalled;
  log.info({ signal }, 'ending');
  report(log, 'STOPPING=1');
  const stopping = running?.stop().then(() => true) ?? Promise.resolve(false);
  const ended = await Promise.race([stopping, sleep(PATIENCE_MS, false)]);
  if (ended) log.info({}, 'ended');
  else log.error({}, `something did not end within ${PATIENCE_MS / 1000} s, and is left as it is`);
  await logWritten();
  // Not by returning: an action that goes on in its own process would keep this one alive. Not by waiting for the threads of
  // Node's pool either: one may hang in a file system that does not answer.
  process.once('exit', () => exitNow(0));
  process.exit(0);
}
