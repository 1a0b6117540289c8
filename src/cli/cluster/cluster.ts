/** `fourlane cluster VERB`: one configuration for all servers. */
import { FourlaneError } from '../../model/errors.ts';
import { type Output, terminal } from '../output.ts';

type Verb = (argv: readonly string[], io?: Output) => Promise<number>;

const VERBS: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Verb> }>> = {
  init: {
    summary: 'certificates, users, roles and roster of a new cluster or new servers',
    load: async () => (await import('./init.ts')).init,
  },
  plan: { summary: 'what a release would change; writes nothing', load: async () => (await import('./plan.ts')).plan },
  release: { summary: 'make a release of a file', load: async () => (await import('./release.ts')).release },
  rollout: { summary: 'a release in stages, with halts by evidence', load: async () => (await import('./rollout.ts')).rollout },
  lead: { summary: 'lead rollouts as a service', load: async () => (await import('./lead.ts')).lead },
  rollback: {
    summary: 'take a rollout back, or give all servers an older release',
    load: async () => (await import('./rollback.ts')).rollback,
  },
  status: {
    summary: 'every server against what it should run',
    load: async () => (await import('./status.ts')).status,
  },
  why: { summary: 'all that is known of one server', load: async () => (await import('./why.ts')).why },
  maintenance: {
    summary: 'planned absences of servers, NICs and real servers',
    load: async () => (await import('./maintenance.ts')).maintenance,
  },
  budget: { summary: 'how much may be gone at once', load: async () => (await import('./budget.ts')).budget },
  roster: { summary: 'the servers that are expected', load: async () => (await import('./roster.ts')).roster },
  poison: { summary: 'configurations that nobody runs again', load: async () => (await import('./poison.ts')).poison },
};

function usage(): string {
  const rows = Object.entries(VERBS).map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`);
  const about = 'One configuration in etcd that every server runs: docs/cluster.md.';
  return `Usage: fourlane cluster VERB [--help]\n\n${about}\n\n${rows.join('\n')}\n`;
}

/** Runs the command; resolves with its exit status. Throws USAGE for a verb that is none. */
export async function cluster([name, ...argv]: readonly string[], io: Output = terminal): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    io.out(usage());
    return name === undefined ? 1 : 0;
  }
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) throw new FourlaneError('USAGE', `there is no verb "${name}"\n\n${usage()}`);
  return (await verb.load())(argv, io);
}
