/** The evidence behind one subject's present verdict, and what its cells show now. */
import { FourlaneError } from '../model/errors.ts';
import type { FindingReport } from '../model/finding.ts';
import type { Subject, Verdict } from '../model/verdict.ts';
import {
  type CellReport,
  reportCell,
  reportTransition,
  reportVerdict,
  type TransitionReport,
  type VerdictReport,
} from './report.ts';
import type { AgentView } from './view.ts';

/** At most this many cells in an answer, the bad ones first; `cellCount` says how many there are. */
const MAX_CELLS = 64;
const MAX_TRANSITIONS = 20;

export interface WhyReport {
  readonly question: string;
  readonly time: string;
  /** The subject's own verdict first (OK included), then those on its paths and its rack. */
  readonly verdicts: readonly VerdictReport[];
  /** What was found of it that never acts, such as a lost address of clients. */
  readonly findings: readonly (Omit<FindingReport, 'since'> & { readonly since: string })[];
  readonly cells: readonly CellReport[];
  readonly cellCount: number;
  /** Newest first. */
  readonly transitions: readonly TransitionReport[];
}

/**
 * `nic`: a NIC's name. `rs`: `HOST:PORT`, or the id of one of its checks. Throws FourlaneError NOT_FOUND, naming what there is,
 * when the agent has no such subject.
 */
export function reportWhy(view: AgentView, question: { readonly nic: string } | { readonly rs: string }): WhyReport {
  const plan = view.plan();
  if ('nic' in question) {
    const nic = plan.nics.findIndex((nic) => nic.name === question.nic);
    if (nic < 0)
      throw unknown(
        'NIC',
        question.nic,
        plan.nics.map((nic) => nic.name),
      );
    const concerns = (subject: Subject) => subject.nic === question.nic;
    return answer(view, {
      question: `nic ${question.nic}`,
      subjects: [{ subject: 'nic', nic: question.nic }],
      concerns,
      nics: [nic],
      targets: [...plan.targets.keys()],
      found: [],
    });
  }
  const matches = [...plan.targets.keys()].filter(
    (key) => plan.targets[key]!.id === question.rs || plan.targets[key]!.realServer === question.rs,
  );
  if (matches.length === 0)
    throw unknown(
      'real server',
      question.rs,
      plan.targets.map((t) => t.realServer),
    );
  const ids = new Set(matches.map((match) => plan.targets[match]!.id));
  const racks = new Set(matches.map((match) => plan.targets[match]!.rack));
  const concerns = (subject: Subject) =>
    (subject.rs !== undefined && ids.has(subject.rs)) || (subject.subject === 'rack' && racks.has(subject.rack));
  const subjects = [...ids].map((rs): Subject => ({ subject: 'rs', rs }));
  return answer(view, {
    question: `rs ${question.rs}`,
    subjects,
    concerns,
    nics: [...plan.nics.keys()],
    targets: matches,
    found: matches,
  });
}

/** What is asked: subjects of their own, those that concern them, and the cells, as positions in the plan. */
interface Scope {
  readonly question: string;
  readonly subjects: readonly Subject[];
  readonly concerns: (subject: Subject) => boolean;
  readonly nics: readonly number[];
  readonly targets: readonly number[];
  /** Positions of the real servers whose findings are shown. */
  readonly found: readonly number[];
}

function answer(view: AgentView, { question, subjects, concerns, nics, targets, found }: Scope): WhyReport {
  const own = subjects.map((subject) => view.why(subject)).filter((v) => v !== undefined);
  const isOwn = (verdict: Verdict) =>
    own.some((o) => o.subject === verdict.subject && o.nic === verdict.nic && o.rs === verdict.rs);
  const others = view.verdicts().filter((verdict) => concerns(verdict) && !isOwn(verdict));
  const cells = nics.flatMap((nic) => targets.map((target) => reportCell(view, nic, target)));
  const order = ['link_fail', 'service_fail', 'unknown', 'ok'];
  return {
    question,
    time: new Date(Math.round(view.now() + view.wallOffsetMs())).toISOString(),
    verdicts: [...own, ...others].map((v) => reportVerdict(view, v)),
    findings: findingsOf(view, found),
    cells: cells.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state)).slice(0, MAX_CELLS),
    cellCount: cells.length,
    transitions: view.history
      .since(Number.NEGATIVE_INFINITY)
      .filter(concerns)
      .slice(-MAX_TRANSITIONS)
      .map((t) => reportTransition(view, t))
      .toReversed(),
  };
}

/** Those of these real servers, and of the services that have them. */
function findingsOf(view: AgentView, targets: readonly number[]): WhyReport['findings'] {
  const plan = view.plan();
  const names = new Set(targets.map((target) => plan.targets[target]!.realServer));
  const services = new Set(
    plan.services.flatMap(({ name, realServers }) =>
      realServers.some(({ target }) => names.has(plan.targets[target]!.realServer)) ? [name] : [],
    ),
  );
  return view
    .findings()
    .filter(({ service, realServer }) => (realServer === '' ? services.has(service) : names.has(realServer)))
    .map((finding) => ({ ...finding, since: new Date(Math.round(finding.since)).toISOString() }));
}

function unknown(what: string, name: string, known: readonly string[]): FourlaneError {
  const shown = known.length > 12 ? `${known.slice(0, 12).join(', ')} and ${known.length - 12} more` : known.join(', ');
  return new FourlaneError('NOT_FOUND', `no ${what} "${name}"; this agent has ${shown}`);
}
