#!/usr/bin/env -S node --max-semi-space-size=4
/** `fourlane COMMAND`: finds the command, prints errors so that the reader knows what to do. */
import { FourlaneError } from '../model/errors.ts';
import { keepCompiled } from '../sys/compiled.mjs';
import { endWithReader, isForUser, terminal } from './output.ts';
import { VERSION } from './version.ts';

type Command = (argv: string[]) => Promise<number>;

/** Loaded on use: `status` at night must not wait for the modules of the agent. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  init: { summary: 'a configuration from what is found on this machine', load: async () => (await import('./init.ts')).init },
  agent: { summary: 'the daemon', load: async () => (await import('./agent.ts')).agent },
  'check-config': {
    summary: 'validate a config file and print the plan',
    load: async () => (await import('./check-config.ts')).checkConfig,
  },
  schema: { summary: 'JSON Schema of the config file', load: async () => (await import('./schema.ts')).schema },
  probe: { summary: 'one check, once, with phases and timing', load: async () => (await import('./probe.ts')).probe },
  status: {
    summary: 'NICs, services, real servers and verdicts of the running agent',
    load: async () => (await import('./status.ts')).status,
  },
  why: { summary: 'the evidence behind a verdict', load: async () => (await import('./why.ts')).why },
  reload: {
    summary: 'the running agent reads its configuration again',
    load: async () => (await import('./reload.ts')).reload,
  },
  shadow: {
    summary: 'what shadow mode has seen beside keepalived',
    load: async () => (await import('./shadow.ts')).shadow,
  },
  replay: { summary: 'run the judge over a recorded evidence log', load: async () => (await import('./replay.ts')).replay },
  collect: { summary: 'one collector, once: what it reads', load: async () => (await import('./collect.ts')).collect },
  doctor: {
    summary: 'what this machine lacks, and the command that mends it',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  lint: {
    summary: 'mistakes in keepalived.conf, also across nodes',
    load: async () => (await import('./lint.ts')).lintCommand,
  },
  'hash-password': {
    summary: 'the hash of a password for web.authentication',
    load: async () => (await import('./hash-password.ts')).hashPasswordCommand,
  },
  genhash: {
    summary: "the digest of a page for an http check, as keepalived's genhash prints it",
    load: async () => (await import('./genhash.ts')).genhash,
  },
  keepalived: {
    summary: "snippet: the lines that let verdicts steer keepalived's VRRP",
    load: async () => (await import('./keepalived.ts')).keepalivedCommand,
  },
  plan: {
    summary: 'snat: addresses and prefixes of a cluster, and what to configure for them',
    load: async () => (await import('./plan.ts')).planCommand,
  },
  bgp: {
    summary: 'drain, restore: sessions with routers, by hand',
    load: async () => (await import('./bgp.ts')).bgpCommand,
  },
  cluster: {
    summary: 'one configuration for all servers: releases, rollouts, maintenance',
    load: async () => (await import('./cluster/cluster.ts')).cluster,
  },
  passthrough: {
    summary: 'whether real servers get the address of the client as declared',
    load: async () => (await import('./passthrough.ts')).passthroughCommand,
  },
  sync: {
    summary: 'compare: how many connections of kernel LVS a fail-over would keep',
    load: async () => (await import('./sync.ts')).syncCommand,
  },
  demo: { summary: 'the whole thing on one machine', load: async () => (await import('./demo.ts')).demo },
};

/** They serve, whoever reads what they print. */
const SERVE: readonly string[] = ['agent', 'demo'];

function usage(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(13)} ${summary}`);
  return (
    `fourlane ${VERSION}: health checks through every NIC, with the fault named.\n\nUsage: fourlane COMMAND ` +
    `[--help]\n\n${rows.join('\n')}\n`
  );
}

async function run([name = '', ...argv]: string[]): Promise<number> {
  if (!SERVE.includes(name)) endWithReader();
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    terminal.out(usage());
    return name === '' ? 1 : 0;
  }
  if (name === '--version' || name === 'version') {
    terminal.out(`${VERSION}\n`);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new FourlaneError('USAGE', `there is no command "${name}"\n\n${usage()}`);
  // For a unit of before, which starts this file.
  keepCompiled();
  return (await command.load())(argv);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  terminal.err(isForUser(error) ? `fourlane: ${error.message}\n` : `fourlane: internal error: ${(error as Error).stack}\n`);
  process.exitCode = 1;
}
