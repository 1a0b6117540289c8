/** `fourlane agent`: the daemon. */
import { parseArgs } from 'node:util';
import { FourlaneError } from '../model/errors.ts';
import type { Agent } from '../daemon/agent.ts';
import { startAgent } from '../main.ts';
import { makeLog } from '../sys/log.ts';
import { VERSION } from './version.ts';

const HELP = `Usage: fourlane agent --config FILE [--log-level LEVEL] [--pretty]

The daemon. Probes every real server through every NIC, judges, acts, and serves metrics, API and status page on \`listen\`.
SIGHUP reloads the configuration; SIGTERM and SIGINT end it and leave what is disabled as it is.

  --config FILE       the configuration (fourlane.yaml)
  --log-level LEVEL   trace, debug, info, warn or error; default info
  --pretty            readable lines instead of JSON; default when stdout is a terminal

Example: fourlane agent --config /etc/fourlane.yaml
`;

/** Runs until a signal; resolves with the exit code. */
export async function agent(argv: readonly string[]): Promise<number> {
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
    process.stdout.write(HELP);
    return 0;
  }
  const level = values['log-level'];
  if (!/^(trace|debug|info|warn|error)$/.test(level))
    throw new FourlaneError('USAGE', `--log-level ${level}: use trace, debug, info, warn or error`);
  if (values.config === undefined) throw new FourlaneError('USAGE', '--config FILE is missing');
  const { logger: log, dropped: logDropped } = makeLog(level, values.pretty);
  const options = { config: values.config, version: VERSION, log, logDropped, chaos: process.env['FOURLANE_CHAOS'] === '1' };
  let running: Agent | undefined;
  // Before the start: by default SIGHUP ends a process.
  process.on('SIGHUP', () => void running?.reload());
  running = await startAgent(options);
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
  });
  log.info({ signal }, 'ending');
  await running.stop();
  log.info({}, 'ended');
  // Not by returning: an action that goes on in its own process would keep this one alive. What waits in the log is written on exit.
  process.exit(0);
}
