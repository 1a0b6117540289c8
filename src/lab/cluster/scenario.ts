/** What a scenario of the cluster consists of, and what came of it: pure. */
import { isFault } from '../../model/verdicts.ts';
import type { Transition } from '../agent.ts';
import type { Requests } from '../tally.ts';
import type { ClusterLab } from './cluster-lab.ts';

/** Something that is done, or that must come. */
export interface Step {
  readonly what: string;
  /** Something done: no `until`. */
  readonly make?: (lab: ClusterLab) => unknown;
  /** Something that must come: asked until it is true, or something to tell of it. */
  readonly until?: (lab: ClusterLab) => string | boolean | Promise<string | boolean>;
  /** Since the step before, ms. */
  readonly withinMs?: number;
}

export interface ClusterScenario {
  /** Word on the command line. */
  readonly name: string;
  readonly title: string;
  /** Each run has its own, since some remember what a command has said. */
  steps(): readonly Step[];
  /** Streams of requests that may fail; none of the others may. */
  hurts(stream: string): boolean;
  /** Of those, the streams that must be served again after the last step. */
  cured(stream: string): boolean;
  /** Faults that may be named, by whom. */
  says(server: string, verdict: Pick<Transition, 'verdict' | 'rack' | 'cause'>): boolean;
}

/** A step that was taken: when it was done or came, in ms since the first; undefined = it did not come. */
export interface Taken {
  readonly what: string;
  readonly ms: number | undefined;
  readonly withinMs?: number;
  /** What is told of it. */
  readonly note?: string;
  /** Of a step that did not come: the last error while it was asked for. */
  readonly why?: string;
}

/** Everything seen from the first step until the healing. Times are ms of one clock. */
export interface Seen {
  readonly taken: readonly Taken[];
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly requests: Requests;
  /** Requests that began after the last step. */
  readonly afterwards: Requests;
}

export interface ClusterRow {
  readonly scenario: string;
  readonly title: string;
  readonly taken: readonly Taken[];
  /** What was said and by whom, as `AGENT_ILL by lb-03`. */
  readonly verdicts: readonly string[];
  /** Failed requests of streams that the fault does not touch: must be 0; and of the others. */
  readonly othersFailed: number;
  readonly touchedFailed: number;
  /** Empty = as expected. */
  readonly problems: readonly string[];
  readonly recoveryMs?: number;
}

/** A busy machine makes an agent say this of itself; it takes nothing out. */
const OF_THE_MACHINE = 'AGENT_STALLED';

const failed = (requests: Seen['requests'], of: (stream: string) => boolean) =>
  Object.entries(requests)
    .filter(([stream]) => of(stream))
    .reduce((sum, [, tally]) => sum + tally.failed, 0);

const verdictText = ({ verdict, rack, cause }: Transition) =>
  `${verdict}${rack === undefined ? '' : ` ${rack}`}${cause === 'none' ? '' : ` (${cause})`}`;

/** `web@lb-01 3 ECONNRESET`, of the streams that must not fail. */
function failures(requests: Seen['requests'], hurts: (stream: string) => boolean): string {
  const named = Object.entries(requests).filter(([stream, tally]) => tally.failed > 0 && !hurts(stream));
  return named.map(([stream, { failed: n, errors }]) => `${stream} ${n} ${Object.keys(errors).join(' ')}`.trim()).join(', ');
}

/** Compares what happened with what had to happen. */
export function evaluateCluster(scenario: ClusterScenario, { taken, transitions, requests, afterwards }: Seen): ClusterRow {
  const problems = taken
    .filter(({ ms }) => ms === undefined)
    .map(({ what, withinMs, why }) => `not within ${withinMs} ms: ${what}${why === undefined ? '' : ` (${why})`}`);
  const faults = [...transitions].flatMap(([server, list]) => list.filter((t) => isFault(t.verdict)).map((t) => ({ server, t })));
  const name = ({ server, t }: (typeof faults)[number]) => `${server} ${verdictText(t)}`;
  const strange = faults.filter(({ server, t }) => t.verdict !== OF_THE_MACHINE && !scenario.says(server, t));
  for (const text of new Set(strange.map(name))) problems.push(`unexpected: ${text}`);
  const hurts = (stream: string) => scenario.hurts(stream);
  const [othersFailed, touchedFailed] = [failed(requests, (stream) => !hurts(stream)), failed(requests, hurts)];
  if (othersFailed > 0)
    problems.push(`${othersFailed} requests failed that the fault does not touch: ${failures(requests, hurts)}`);
  const silent = Object.keys(requests).filter((stream) => requests[stream]!.sent === 0);
  if (silent.length > 0) problems.push(`no requests were sent: ${silent.join(', ')}`);
  const late = failed(afterwards, (stream) => hurts(stream) && scenario.cured(stream));
  if (late > 0) problems.push(`${late} requests failed after the last step`);
  const verdicts = [...new Set(faults.map(({ t }) => verdictText(t)))].map((text) => {
    const by = faults.filter(({ t }) => verdictText(t) === text).map(({ server }) => server);
    return `${text} by ${[...new Set(by)].join(', ')}`;
  });
  return { scenario: scenario.name, title: scenario.title, taken, verdicts, othersFailed, touchedFailed, problems };
}
