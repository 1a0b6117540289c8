/**
 * Leads a rollout: asks its state machine what is next, and carries it out. It may end at any point: all that it knows stands in
 * etcd, and whoever leads next goes on.
 */
import { type Barrier, barrierOf } from '../barrier/barrier.ts';
import { type Content, realServersOf } from '../release/content.ts';
import { excusedBy, activeAt } from '../roster/maintenance.ts';
import { presenceOf } from '../roster/presence.ts';
import { baselineOf, haltCauses, type ServiceShape } from '../rollout/halts.ts';
import { step } from '../rollout/rollout.ts';
import type { Rollout } from '../values.ts';
import { type ClusterState, plain } from '../view/state.ts';
import type { Looking } from '../view/status.ts';
import { badIn } from './bad-in.ts';
import { type Contents, releaseAt } from './contents.ts';
import { unreachable } from '../store/failure.ts';
import type { Follow, View } from './follow.ts';
import type { Lead } from './lead.ts';
import type { Store } from '../store/store.ts';

export interface LeadingParts {
  readonly store: Store;
  readonly follow: Pick<Follow, 'view' | 'next' | 'error'>;
  readonly contents: Contents;
  readonly lead: Pick<Lead, 'create' | 'take' | 'lost'>;
  readonly clock: () => number;
  /** What it waits for or does, and how many of the servers run the release, 0–1. */
  readonly told: (text: string, share: number) => void;
  /** Ends it, wherever it is. */
  readonly signal: AbortSignal;
}

/** How a ring stands, from the view. */
export function barrierIn(
  { state, looking }: Pick<View, 'state' | 'looking'>,
  ring: string,
  stage: 'apply' | 'prepare',
): Barrier {
  const target = state.target.get(ring);
  if (target === undefined) throw new Error(`ring ${ring} has no pointer`);
  const expected = serversOf(state, new Set([ring]));
  const members = plain(state.member);
  return barrierOf({
    target,
    stage,
    expected,
    presence: (server) => presenceOf(server, members, looking.since, looking.clock),
    applied: plain(state.applied),
    excused: excusedIn(state, looking),
  });
}

const excusedIn = (state: ClusterState, { now, calendar }: Looking) =>
  excusedBy(activeAt(plain(state.maintenance), now, calendar));

function serversOf({ roster }: ClusterState, rings: ReadonlySet<string>): readonly string[] {
  return [...roster].filter(([, { value }]) => rings.has(value.ring)).map(([server]) => server);
}

const FAILED_PAUSE_MS = 500;

/** States in which nothing goes on by itself. */
export function isOver({ state, onHalt }: Rollout): boolean {
  return state === 'done' || state === 'rolledBack' || state === 'backFailed' || (state === 'halted' && onHalt === 'stay');
}

/**
 * Leads the rollout of this number, or waits while somebody else does. Resolves with it when it is over, or at the
 * signal. Rejects with CLUSTER_INVALID when it or what it needs can't be read.
 */
export async function leadRollout(n: number, parts: LeadingParts): Promise<Rollout | undefined> {
  const { follow, store, lead, clock, signal, told } = parts;
  let soakSince: number | undefined;
  let written = 0;
  for (let last: Rollout | undefined; ; ) {
    const view = follow.view();
    const rollout = view?.state.rollout.get(String(n));
    if (rollout !== undefined) last = rollout.value;
    if (signal.aborted || (last !== undefined && isOver(last))) return last;
    if (view === undefined || rollout === undefined || view.revision < written) {
      if (follow.error !== '') told(`etcd: ${follow.error}`, 0);
      await follow.next();
      continue;
    }
    try {
      const create = await ownLead(lead, view);
      const leader = view.state.lead?.value.by;
      const context = { ...parts, view, rollout: rollout.value };
      const result = step({
        rollout,
        ...(create === undefined ? {} : { lead: create }),
        targets: view.state.target,
        barrier: (ring, stage) => barrierIn(view, ring, stage),
        halts: await haltsOf(context),
        now: clock(),
        soakSince,
      });
      ({ soakSince } = result);
      const isLed = create !== undefined || leader === undefined;
      told(isLed ? result.text : `${leader} leads; ${progressText(rollout.value)}`, shareOf(view.state, rollout.value));
      if (result.txn === undefined) await follow.next();
      else {
        const { done, revision } = await store.commit(result.txn);
        if (done) written = revision;
        else await follow.next();
      }
    } catch (error) {
      const failure = unreachable(error);
      if (failure.code !== 'CLUSTER_UNREACHABLE') throw failure;
      told(failure.message, 0);
      await new Promise((resolve) => setTimeout(resolve, FAILED_PAUSE_MS));
    }
  }
}

/** Leads when nobody does. The own key may be newer than what is followed: then it is not lost. */
async function ownLead(lead: LeadingParts['lead'], { state: { lead: found }, revision }: View): Promise<number | undefined> {
  const own = lead.create;
  if (own !== undefined && revision >= own && found?.create !== own) lead.lost();
  if (lead.create === undefined && found === undefined) await lead.take();
  return lead.create;
}

const progressText = ({ state, stages, stage, why }: Rollout) =>
  [state, state === 'applying' || state === 'soaking' ? `ring ${stages[stage]!.ring}` : '', why].filter(Boolean).join(', ');

function shareOf(state: ClusterState, { to, stages }: Rollout): number {
  const servers = serversOf(state, new Set(stages.map(({ ring }) => ring)));
  const running = servers.filter((server) => state.applied.get(server)?.value.running === to.root);
  return servers.length === 0 ? 0 : running.length / servers.length;
}

interface HaltContext extends Pick<LeadingParts, 'contents'> {
  readonly view: View;
  readonly rollout: Rollout;
}

/** The causes, as the state machine asks for them: contents are fetched before, since it can't wait. */
async function haltsOf({ contents, view, rollout }: HaltContext): Promise<(rings: readonly string[]) => readonly string[]> {
  const { state, looking } = view;
  const { to, from } = rollout;
  if (rollout.state !== 'applying' && rollout.state !== 'soaking') return () => [];
  const next = await contents.of(releaseAt(state, to));
  const before = await Promise.all(Object.values(from).map((each) => contents.of(releaseAt(state, each))));
  const bad = await badIn(state, contents);
  const members = plain(state.member);
  return (rings) => {
    const begun = new Set(rings);
    const later = new Set(rollout.stages.map(({ ring }) => ring).filter((ring) => !begun.has(ring)));
    return haltCauses({
      root: to.root,
      applied: serversOf(state, begun),
      others: serversOf(state, later),
      presence: (server) => presenceOf(server, members, looking.since, looking.clock),
      values: plain(state.applied),
      poison: state.poison.get(to.root)?.value.why,
      excused: new Set(excusedIn(state, looking).servers.keys()),
      bad,
      doubts: (server) => state.evidence.get(server)?.value.frozen === true,
      services: shapesOf(before, next),
      baseline: new Set(rollout.baseline),
    });
  };
}

const DEFAULT_PANIC = 0.5;

function shapesOf(before: readonly Content[], next: Content): readonly ServiceShape[] {
  const addresses = (content: Content, key: string) =>
    realServersOf(content.services.get(key) ?? {}).map(({ address }) => address);
  return [...next.services].map(([name, { panic }]) => ({
    name,
    before: [...new Set(before.flatMap((content) => addresses(content, name)))],
    after: addresses(next, name),
    panic: typeof panic === 'number' ? panic : DEFAULT_PANIC,
  }));
}

/** What only the first stage's servers find bad before anything is applied. */
export async function baselineIn(state: ClusterState, contents: Contents, stages: Rollout['stages']): Promise<string[]> {
  const [first, ...later] = stages.map(({ ring }) => ring);
  const bad = await badIn(state, contents);
  const MOST = 256;
  const found = baselineOf(serversOf(state, new Set([first!])), serversOf(state, new Set(later)), bad);
  return found.filter((id) => id.length <= 200).slice(0, MOST);
}
