/** `fourlane cluster why SERVER`: all that is known of one server. */
import type { Applied } from '../../cluster/values.ts';
import { FourlaneError } from '../../model/errors.ts';
import { indent, json as jsonOf, type Output, terminal } from '../output.ts';
import { EXIT } from './exit.ts';
import { lookAt, SURE_HELP, SURE_OPTION } from './status.ts';
import { renderWhy } from './tables.ts';
import { usage, type VerbSpec, withSession } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster why SERVER [--sure]

What one server runs and should run, what it has reported, and who is waiting for it.

${SURE_HELP}`,
  options: SURE_OPTION,
};

const SHORT = 12;
const short = (root: string | null) => root?.slice(0, SHORT) ?? 'nothing';

/** Runs the verb; resolves with its exit status. */
export function why(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, async (session, asked) => {
    const { words, json } = asked;
    const [server] = words;
    if (server === undefined || words.length !== 1) throw usage('name one server: fourlane cluster why SERVER');
    const found = await lookAt(session, asked.flag('sure'));
    const applied = (await session.state()).applied.get(server)?.value;
    const text = renderWhy(found, server);
    if (text === undefined) {
      const all = found.servers.map((each) => each.server).join(', ') || 'none';
      throw new FourlaneError('NOT_FOUND', `server ${server} is in no roster; there are: ${all}`);
    }
    const own = found.servers.find((each) => each.server === server)!;
    if (json) io.out(jsonOf({ ...own, applied: applied ?? null }));
    else io.out(`${text}\n${indent(applied === undefined ? 'it has never reported anything' : reportText(applied))}\n`);
    return own.counts === 'done' || own.counts === 'excused' ? EXIT.done : EXIT.differs;
  });
}

/** What the server itself has reported last. */
function reportText(applied: Applied): string {
  const { state, release, root, running, prepared, lastGood, plan, error, attempt, seen, drift } = applied;
  return [
    `reports: ${state} release ${release} (${short(root)}), for the pointer of revision ${seen}` +
      (attempt > 0 ? `, tried ${attempt} times` : ''),
    `  runs ${short(running)}, has prepared ${short(prepared)}, starts with ${short(lastGood)}`,
    ...(error === null ? [] : [`  error: ${error}`]),
    ...(plan === null
      ? []
      : [`  plan: ${plan.added} added, ${plan.removed} removed, ${plan.changed} changed, ${plan.actions} actions`]),
    ...drift.samples.map((sample) => `  differs: ${sample}`),
  ].join('\n');
}
