/** `fourlane cluster status`: rings, servers, rollouts, budgets, drift, maintenance, poison. */
import { statusOf } from '../../cluster/view/status.ts';
import type { ClusterStatus } from '../../model/cluster-status.ts';
import { json as jsonOf, type Output, terminal } from '../output.ts';
import { EXIT } from './exit.ts';
import type { Session } from './session.ts';
import { renderStatus } from './tables.ts';
import { usage, type VerbSpec, withSession } from './verb.ts';

export const SURE_OPTION = { sure: { type: 'boolean', default: false } } as const;
export const SURE_HELP = `  --sure          a server without its key may only be late: waits until that is known (10 s)
`;

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster status [--sure]

How every server of the cluster is, against what it should run: counted over the roster.

${SURE_HELP}`,
  options: SURE_OPTION,
};

/** Runs the verb; resolves with its exit status. */
export function status(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, async (session, asked) => {
    const { words, json } = asked;
    if (words.length > 0) throw usage(`status takes no "${words[0]}"; fourlane cluster why SERVER is about one server`);
    const found = await lookAt(session, asked.flag('sure'));
    io.out(json ? jsonOf(found) : `${renderStatus(found)}\n`);
    return isGood(found) ? EXIT.done : EXIT.differs;
  });
}

const LONGEST_MS = 15_000;

/** The cluster now; with `sure`, when it is known of every server whether it is absent. */
export async function lookAt(session: Session, sure: boolean): Promise<ClusterStatus> {
  const { name, calendar, clock } = session;
  const state = await session.state();
  const first = statusOf(name, state, { now: Date.now(), clock: clock(), since: new Map(), calendar });
  if (!sure || first.servers.every(({ presence }) => presence === 'there')) return first;
  const follow = session.follow();
  for (const until = clock() + LONGEST_MS; ; await follow.next()) {
    const view = follow.view();
    const found = view && statusOf(name, view.state, view.looking);
    if (found?.servers.every(({ presence }) => presence !== 'missing')) return found;
    if (clock() >= until) return found ?? first;
  }
}

const GOOD_COUNTS: ReadonlySet<string> = new Set(['done', 'excused']);

/** Whether every server runs what it should, but for planned absences, and nothing waits for a person: newest rollout first. */
export function isGood({ servers, drifts, problems, rollouts }: ClusterStatus): boolean {
  return (
    servers.every(({ counts }) => GOOD_COUNTS.has(counts)) &&
    drifts.length === 0 &&
    problems.length === 0 &&
    rollouts[0]?.state !== 'halted' &&
    rollouts[0]?.state !== 'backFailed'
  );
}
