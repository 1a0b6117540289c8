/** `fourlane cluster maintenance`: planned absences of a server, a NIC or a real server. */
import { beginMaintenance, endMaintenance } from '../../cluster/api/edits.ts';
import { calendarProblem } from '../../cluster/roster/calendar.ts';
import type { Maintenance } from '../../cluster/values.ts';
import type { ClusterState } from '../../cluster/view/state.ts';
import { json as jsonOf, type Output, table, terminal } from '../output.ts';
import { edit } from './edit.ts';
import { EXIT } from './exit.ts';
import type { Session } from './session.ts';
import { type Asked, durationOf, usage, type VerbSpec, whyOf, withSession } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster maintenance
       fourlane cluster maintenance begin SERVER [--nic NIC] --why TEXT [--until TIME] [--cron EXPRESSION --for TIME]
       fourlane cluster maintenance begin --real-server HOST:PORT --why TEXT [--until TIME]
       fourlane cluster maintenance end ID

Lists planned absences, begins one, or ends one. A server in maintenance keeps judging and applies no release; barriers name
it and do not wait for it, and budgets count it as gone.

  --why TEXT      why; everybody reads it
  --until TIME    when it ends by itself: a time such as 2h from now, or 2026-11-28T12:00:00Z; without it a person ends it
  --nic NIC       of the server only this NIC
  --real-server HOST:PORT
                  a real server
  --cron EXPRESSION
                  it begins at these times only, such as "0 2 * * 0"
  --for TIME      and lasts so long
  --zone ZONE     time zone of the times; default UTC
  --id ID         its name; default m1, m2, …
`,
  options: {
    why: { type: 'string' },
    until: { type: 'string' },
    nic: { type: 'string' },
    'real-server': { type: 'string' },
    cron: { type: 'string' },
    for: { type: 'string' },
    zone: { type: 'string', default: 'UTC' },
    id: { type: 'string' },
  },
};

/** Runs the verb; resolves with its exit status. */
export function maintenance(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, (session, asked) => {
    const [what, name] = asked.words;
    if (what === undefined) return list(session, asked);
    if (what === 'begin' && asked.words.length <= 2) return begin(session, asked, name);
    if (what === 'end' && name !== undefined && asked.words.length === 2) return end(session, asked, name);
    throw usage('write `maintenance`, `maintenance begin SERVER --why TEXT` or `maintenance end ID`');
  });
}

function subjectText({ subject }: Maintenance): string {
  if ('realServer' in subject) return `real server ${subject.realServer}`;
  return subject.nic === undefined ? subject.server : `${subject.server} ${subject.nic}`;
}

async function list(session: Session, { io, json }: Asked): Promise<number> {
  const all = [...(await session.state()).maintenance].map(([id, { value }]) => ({ id, ...value }));
  if (json) io.out(jsonOf({ maintenance: all }));
  else if (all.length === 0) io.out('no maintenance\n');
  else {
    const rows = all.map((each) => {
      const { id, by, why, until, calendar } = each;
      const times = calendar === undefined ? '' : `at ${calendar.cron} ${calendar.zone} for ${calendar.forMs / 60_000} min`;
      return [id, subjectText(each), by, [times, until === undefined ? '' : `until ${until}`].filter(Boolean).join(', '), why];
    });
    io.out(`${table([['ID', 'OF', 'BY', 'WHEN', 'WHY'], ...rows])}\n`);
  }
  return EXIT.done;
}

async function begin(session: Session, asked: Asked, server: string | undefined): Promise<number> {
  const entry: Maintenance = {
    by: session.by,
    at: session.at(),
    why: whyOf(asked),
    subject: subjectOf(asked, server),
    ...untilOf(asked.text('until')),
    ...calendarOf(asked),
  };
  let id = '';
  await edit(session, (state) => {
    id = asked.text('id') ?? freeId(state);
    return beginMaintenance(state, id, entry);
  });
  asked.io.out(
    asked.json
      ? jsonOf({ id, ...entry })
      : `maintenance ${id} of ${subjectText(entry)} begins; end it: fourlane cluster maintenance end ${id}\n`,
  );
  return EXIT.done;
}

function subjectOf(asked: Asked, server: string | undefined): Maintenance['subject'] {
  const realServer = asked.text('real-server');
  const nic = asked.text('nic');
  if ((server === undefined) === (realServer === undefined) || (realServer !== undefined && nic !== undefined))
    throw usage('name a server, a server with --nic, or --real-server');
  return realServer === undefined ? { server: server!, ...(nic === undefined ? {} : { nic }) } : { realServer };
}

function untilOf(text: string | undefined): Pick<Maintenance, 'until'> {
  if (text === undefined) return {};
  const at = /^\d{4}-/.test(text) ? Date.parse(text) : Date.now() + durationOf('--until', text);
  if (Number.isNaN(at)) throw usage(`--until: found ${text}; write 2h, or a time such as 2026-11-28T12:00:00Z`);
  if (at <= Date.now()) throw usage(`--until: ${text} is over already`);
  return { until: new Date(at).toISOString() };
}

const [LEAST_MS, MOST_MS] = [60_000, 604_800_000];

function calendarOf(asked: Asked): Pick<Maintenance, 'calendar'> {
  const [cron, lasting, zone] = [asked.text('cron'), asked.text('for'), asked.text('zone')!];
  if (cron === undefined && lasting === undefined) return {};
  if (cron === undefined || lasting === undefined) throw usage('--cron and --for belong together: --cron "0 2 * * 0" --for 2h');
  const problem = calendarProblem(cron, zone);
  if (problem !== undefined) throw usage(`--cron: ${problem}`);
  const forMs = durationOf('--for', lasting);
  if (forMs < LEAST_MS || forMs > MOST_MS) throw usage(`--for: found ${lasting}; allowed: 1m … 7d`);
  return { calendar: { cron, zone, forMs } };
}

function freeId({ maintenance: there }: ClusterState): string {
  for (let n = 1; ; n++) if (!there.has(`m${n}`)) return `m${n}`;
}

async function end(session: Session, { io, json }: Asked, id: string): Promise<number> {
  await edit(session, (state) => endMaintenance(state, id));
  io.out(json ? jsonOf({ id, ended: true }) : `maintenance ${id} is over\n`);
  return EXIT.done;
}
