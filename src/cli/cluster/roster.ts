/** `fourlane cluster roster`: which servers are expected, and where they stand. */
import { putRoster, removeRoster } from '../../cluster/api/edits.ts';
import type { RosterEntry } from '../../cluster/values.ts';
import { FourlaneError } from '../../model/errors.ts';
import { json as jsonOf, type Output, table, terminal } from '../output.ts';
import { edit } from './edit.ts';
import { EXIT } from './exit.ts';
import type { Session } from './session.ts';
import { type Asked, usage, type VerbSpec, withSession } from './verb.ts';

const PLACES = ['site', 'rack', 'uplink', 'role'] as const;

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster roster
       fourlane cluster roster set SERVER [--ring RING] [--site SITE] [--rack RACK] [--uplink UPLINK] [--role ROLE]
       fourlane cluster roster remove SERVER

Lists the servers that are expected, changes one or adds it, or removes one. A new server needs a certificate and rights of its
own: fourlane cluster init --server NAME makes them, and adds it to the roster.

  --ring RING     servers of a ring get a release together
  --site, --rack, --uplink
                  where it stands, and what it shares its way out with: for budgets, and for who is whose witness
  --role ROLE     for people
`,
  options: {
    ring: { type: 'string' },
    ...Object.fromEntries(PLACES.map((place) => [place, { type: 'string' as const }])),
  },
};

/** Runs the verb; resolves with its exit status. */
export function roster(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, (session, asked) => {
    const [what, server] = asked.words;
    if (what === undefined) return list(session, asked);
    if (server !== undefined && asked.words.length === 2) {
      if (what === 'set') return set(session, asked, server);
      if (what === 'remove') return remove(session, asked, server);
    }
    throw usage('write `roster`, `roster set SERVER --ring RING` or `roster remove SERVER`');
  });
}

async function list(session: Session, { io, json }: Asked): Promise<number> {
  const all = [...(await session.state()).roster].map(([server, { value }]) => ({ server, ...value }));
  const rows = all.map((each) => [each.server, each.ring, ...PLACES.map((place) => each[place] ?? '')]);
  const text =
    rows.length === 0 ? 'no server is expected' : table([['SERVER', 'RING', ...PLACES.map((p) => p.toUpperCase())], ...rows]);
  io.out(json ? jsonOf({ roster: all }) : `${text}\n`);
  return EXIT.done;
}

async function set(session: Session, asked: Asked, server: string): Promise<number> {
  let made: RosterEntry | undefined;
  await edit(session, (state) => {
    const before = state.roster.get(server)?.value;
    const given = ['ring', ...PLACES].flatMap((key) => (asked.text(key) === undefined ? [] : [[key, asked.text(key)!] as const]));
    const entry = { ...before, ...Object.fromEntries(given) } as Partial<RosterEntry>;
    if (entry.ring === undefined) throw new FourlaneError('USAGE', `--ring RING is missing: ${server} is new`);
    made = { ...entry, ring: entry.ring };
    return putRoster(state, server, made);
  });
  asked.io.out(asked.json ? jsonOf({ server, ...made }) : `${server} is expected in ring ${made!.ring}\n`);
  return EXIT.done;
}

async function remove(session: Session, { io, json }: Asked, server: string): Promise<number> {
  await edit(session, (state) => removeRoster(state, server));
  io.out(json ? jsonOf({ server, removed: true }) : `${server} is expected no more\n`);
  return EXIT.done;
}
