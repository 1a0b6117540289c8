/** `fourlane cluster plan`: what a release would change. Writes nothing. */
import { changesOf, refusalTexts } from '../../cluster/api/changes.ts';
import { releaseAt, releaseOf } from '../../cluster/api/contents.ts';
import { namesOf } from '../../cluster/api/listing.ts';
import type { Content } from '../../cluster/release/content.ts';
import type { Release } from '../../cluster/values.ts';
import type { ClusterStatus } from '../../model/cluster-status.ts';
import { indent, json as jsonOf, type Output, terminal } from '../output.ts';
import { prepare } from './carry.ts';
import { readContent } from './content.ts';
import { EXIT } from './exit.ts';
import { removedOf } from './options.ts';
import type { Session } from './session.ts';
import { lookAt } from './status.ts';
import { renderPlan } from './tables.ts';
import { changeTable, namesText } from './texts.ts';
import { type Asked, usage, type VerbSpec, withSession } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster plan FILE|N [--allow-removed SHARE]

What a release of FILE, or the release N, would change in each ring, and whether it may; of a release that servers have
prepared, also what it would change on each of them. Writes nothing.

  --allow-removed SHARE
                  as if it was released so
`,
  options: { 'allow-removed': { type: 'string' } },
};

/** Runs the verb; resolves with its exit status. */
export function plan(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, run);
}

const NOTHING: Content = { services: new Map(), base: {} };

async function run(session: Session, asked: Asked): Promise<number> {
  const { io, json } = asked;
  const [what] = asked.words;
  if (what === undefined || asked.words.length !== 1) throw usage('name one file or release: fourlane cluster plan FILE|N');
  const { state, content, changes, release } = await planned(session, what, removedOf(asked));
  const refused = refusalTexts(changes);
  const first = changes.find(({ same }) => !same);
  const target = first && state.target.get(first.ring)?.value;
  const before = target === undefined ? NOTHING : await session.contents.of(releaseAt(state, target));
  const names = namesOf(before, content);
  if (json) io.out(jsonOf({ changes, refused, ring: first?.ring ?? null, ...names }));
  else {
    const listed = first === undefined ? '' : namesText(names, first);
    const parts = [
      preparedText(await lookAt(session, false), release, changeTable(changes)),
      ...(listed === '' ? [] : [`in ring ${first!.ring}:\n${indent(listed)}`]),
      ...(refused.length === 0 ? [] : [`refused:\n${indent(refused.join('\n'))}`]),
    ];
    io.out(`${parts.join('\n\n')}\n`);
  }
  if (refused.length > 0) return EXIT.failed;
  return first === undefined ? EXIT.done : EXIT.differs;
}

/** What the servers that have prepared it report, too. */
function preparedText(status: ClusterStatus, { root }: Pick<Release, 'root'>, text: string): string {
  const isPrepared = status.servers.some(
    ({ prepared, plan: counts }) => prepared !== null && counts !== null && root.startsWith(prepared),
  );
  return isPrepared ? renderPlan(status, root, text) : text;
}

async function planned(session: Session, what: string, removed: number | undefined) {
  if (!/^\d+$/.test(what)) return prepare(session, await readContent(what), { reason: '', removed });
  const state = await session.state();
  const release = releaseOf(state, Number(what));
  const content = await session.contents.of(release);
  const asked = { ...release, ...(removed === undefined ? {} : { allow: { removed } }) };
  return { state, content, release, changes: await changesOf(asked, content, state, session.contents) };
}
