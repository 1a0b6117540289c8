/** `fourlane cluster poison`: configurations that nobody is to run. */
import { releaseOf } from '../../cluster/api/contents.ts';
import { putPoison, removePoison } from '../../cluster/api/edits.ts';
import type { ClusterState } from '../../cluster/view/state.ts';
import { json as jsonOf, type Output, table, terminal } from '../output.ts';
import { edit } from './edit.ts';
import { EXIT } from './exit.ts';
import type { Session } from './session.ts';
import { type Asked, usage, type VerbSpec, whyOf, withSession } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster poison
       fourlane cluster poison add N|ROOT --why TEXT
       fourlane cluster poison remove N|ROOT

Lists the configurations that no server tries again, adds one or takes one out. A server on which one crashed goes on refusing
it: it has noted that on its own disk.

  --why TEXT      why; everybody reads it
`,
  options: { why: { type: 'string' } },
};

/** Runs the verb; resolves with its exit status. */
export function poison(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, (session, asked) => {
    const [what, word] = asked.words;
    if (what === undefined) return list(session, asked);
    if ((what === 'add' || what === 'remove') && word !== undefined && asked.words.length === 2)
      return change(session, asked, what, word);
    throw usage('write `poison`, `poison add N --why TEXT` or `poison remove N`');
  });
}

async function list(session: Session, { io, json }: Asked): Promise<number> {
  const all = [...(await session.state()).poison].map(([root, { value }]) => ({ root, ...value }));
  const text =
    all.length === 0 ? 'no poison' : table([['ROOT', 'BY', 'AT', 'WHY'], ...all.map((p) => [p.root, p.by, p.at, p.why])]);
  io.out(json ? jsonOf({ poison: all }) : `${text}\n`);
  return EXIT.done;
}

const rootOf = (state: ClusterState, word: string) => (/^[0-9a-f]{64}$/.test(word) ? word : releaseOf(state, Number(word)).root);

async function change(session: Session, asked: Asked, what: 'add' | 'remove', word: string): Promise<number> {
  if (!/^(\d{1,9}|[0-9a-f]{64})$/.test(word))
    throw usage(`found "${word}"; write the number of a release, or a root of 64 hex digits`);
  const who = what === 'add' ? { by: session.by, at: session.at(), why: whyOf(asked) } : undefined;
  let root = '';
  const isChanged = await edit(session, (state) => {
    root = rootOf(state, word);
    return who === undefined ? removePoison(state, root) : putPoison(state, root, who);
  });
  const text = what === 'add' ? (isChanged ? 'is poison now' : 'is poison already') : 'is poison no more';
  asked.io.out(asked.json ? jsonOf({ root, poison: what === 'add' }) : `${root} ${text}\n`);
  return EXIT.done;
}
