/** exec: a command per change, as keepalived's notify scripts: four arguments appended, details in the environment. */
import * as z from 'zod';
import { duration } from '../model/schema.ts';
import { runCommand, STANDARD_PATH } from '../sys/child.ts';
import { actuator, type Effect } from './actuator.ts';

const TYPE = { nic: 'NIC', agent: 'AGENT', service: 'SERVICE', slice: 'SLICE', realServer: 'RS', path: 'PATH' } as const;

/** Arguments appended to the configured command: type, name, state, and the service or `-`. */
export function execArguments(effect: Effect): string[] {
  const name = effect.kind === 'agent' ? effect.server : (effect.realServer ?? effect.nic ?? '-');
  return [TYPE[effect.kind], name, effect.state.toUpperCase(), effect.service ?? '-'];
}

/** The whole environment of the command; nothing of the agent's own is passed on. A variable that does not apply is absent. */
export function execEnvironment(effect: Effect): Record<string, string> {
  const { cluster, server, kind, state, service, vip, nic, realServer, weight, verdict, cause, reason } = effect;
  const env: Record<string, string> = { PATH: STANDARD_PATH };
  const facts = { cluster, server, kind, state, service, vip, nic, realServer, weight, verdict, cause, reason };
  for (const [name, fact] of Object.entries(facts)) {
    if (fact !== undefined) env[`FOURLANE_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`] = String(fact).replaceAll('\0', '');
  }
  return env;
}

export const exec = actuator({
  name: 'exec',
  summary: 'runs a command per change, with arguments and environment like keepalived notify scripts',
  schema: z.strictObject({
    command: z
      .array(z.string().min(1).max(4096))
      .min(1)
      .max(64)
      .refine(
        (command) => /^(?:\/|[^/]*$)/.test(command[0] ?? ''),
        'the program must be an absolute path, or a bare name found in the standard PATH',
      )
      .meta({ description: 'program and arguments; no shell', private: true, examples: [['/etc/fourlane/withdraw', 'eth2']] }),
    timeout: duration(10, 300_000)
      .prefault('5s')
      .describe('after this the whole process group is killed and the action counts as failed'),
  }),
  scopes: ['nic', 'service'],
  idempotent: false,
  batch: false,
  concurrency: 16,
  identity: (spec) => JSON.stringify(spec.command),
  async perform(spec, [effect]) {
    const [program = '', ...rest] = spec.command;
    const run = await runCommand([program, ...rest, ...execArguments(effect)], {
      env: execEnvironment(effect),
      timeoutMs: spec.timeout,
    });
    if (run.ended === 'exit' && run.exitCode === 0) return 'done';
    throw new Error(`${program} ${run.summary}`);
  },
});
