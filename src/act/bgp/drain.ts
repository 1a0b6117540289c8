/**
 * `fourlane bgp drain` and `restore`: every session of this server by the operator's hand, beside whatever the agent has shut.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionKey } from '../../edge/expected.ts';
import type { Plan } from '../../model/plan.ts';
import { plainShutText, type Sockets, type SpokenSession } from '../../routing/speaker.ts';
import { decideSessions, isOurs, shutText, type Steps } from './decide.ts';
import { Ledger } from './ledger.ts';
import { KERNEL, type Kernel } from './by-route.ts';
import type { KernelRoute } from '../../sys/kernel-routes.ts';
import { type Open, Sessions } from './sessions.ts';
import { BGP, ledgerFiles, type Peer, peerOf, socketsOf } from './spec.ts';
import { openSpeakers } from '../../routing/speakers.ts';

/** Longest time for reading and for changing all sessions: ms. */
const LIMIT_MS = 10_000;
const RECORD = 'drain';

export interface DrainOptions {
  readonly plan: Plan;
  /** How long peers are asked to prefer other paths before the sessions are shut: ms; 0: at once. */
  readonly gracefulMs: number;
  readonly open?: Open;
  readonly kernel?: Kernel;
  /** One line for each thing that was done. */
  readonly say: (line: string) => void;
}

/** Takes this server out of BGP. Rejects when a session could not be shut; what has been shut stays so. */
export async function drainServer({ plan, gracefulMs, open = openSpeakers, say }: DrainOptions): Promise<void> {
  const drained = await Ledger.read(ledgerFiles(plan).drained);
  const sockets = socketsOf(plan);
  const uplinks = (plan.bgp?.uplinks ?? []).map(peerOf);
  if (uplinks.length === 0) throw new Error('bgp.uplinks names no session: there is nothing to drain');
  await withSessions(sockets, open, async (sessions, signal) => {
    let steps = decideDrain(plan, uplinks, sessions);
    for (const note of steps.notes) say(note);
    if (steps.refused !== undefined) throw new Error(steps.refused);
    const recordOf = ({ during }: Steps) => ({ spec: { type: BGP, ...sockets }, shut: [...during] });
    const isGraceful = gracefulMs > 0 && steps.shut.length > 0;
    const graceful = isGraceful ? ({ graceful: true } as const) : {};
    if (isGraceful) {
      await drained.set(RECORD, { ...recordOf(steps), ...graceful, waiting: true });
      const daemons = await sessions.graceful(true, signal);
      if (daemons.length > 0) say(`${daemons.join(', ')}: graceful shutdown`);
      await sleep(gracefulMs);
      // An agent may have opened or shut some meanwhile.
      await sessions.read(AbortSignal.timeout(LIMIT_MS));
      steps = decideDrain(plan, uplinks, sessions);
    }
    // Before anything is shut: whoever is killed in between has left word.
    await drained.set(RECORD, { ...recordOf(steps), ...graceful });
    await sessions.shut(steps.shut, plainShutText(shutText(plan.server, 'drained')), AbortSignal.timeout(LIMIT_MS));
    for (const { peer } of steps.shut) say(`${peer}: shut`);
    if (steps.shut.length === 0) say('every session was shut already');
  });
}

function decideDrain({ server }: Plan, uplinks: readonly Peer[], { found }: Sessions): Steps {
  return decideSessions({
    nic: server,
    wanted: 'drained',
    uplinks,
    others: [],
    found,
    recorded: new Set(),
    shutNics: new Set(),
    heldElsewhere: () => false,
  });
}

type RestoreOptions = Omit<DrainOptions, 'gracefulMs'>;

/**
 * Opens every session that fourlane has shut, whether its ledgers have it or only its text shows it, and forgets them. Rejects
 * when one stays shut.
 */
export async function restoreServer({ plan, open = openSpeakers, kernel = KERNEL, say }: RestoreOptions): Promise<void> {
  const files = ledgerFiles(plan);
  const ledgers = [await readable(files.ledger, say), await readable(files.drained, say)];
  const records = ledgers.flatMap((ledger) => [...(ledger?.records.values() ?? [])]);
  const routes = records.flatMap((record) => record.routes ?? []);
  await putBack(routes, kernel, say);
  const isDaemonAsked = routes.length === 0 || records.some(({ shut }) => shut.length > 0);
  if (isDaemonAsked) await openAll(plan, open, ledgers, say);
  for (const ledger of ledgers)
    for (const [id, record] of ledger?.records ?? []) await ledger!.set(id, { ...record, shut: [], routes: [] });
}

/** Kernel routes that were taken away, unless somebody has put others to the same prefix. */
async function putBack(routes: readonly KernelRoute[], kernel: Kernel, say: (line: string) => void): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  for (const route of routes) {
    const isThere = (await kernel.routesTo(route.prefix, signal)).length > 0;
    if (!isThere) await kernel.put(route, signal);
    say(isThere ? `${route.prefix}: somebody else has put a route` : `${route.prefix}: route put back`);
  }
}

async function openAll(
  plan: Plan,
  open: Open,
  ledgers: readonly (Ledger | undefined)[],
  say: (line: string) => void,
): Promise<void> {
  await withSessions(socketsOf(plan), open, async (sessions, signal) => {
    const ours = [...sessions.found.values()].filter(isOurs);
    if (ledgers.some((ledger) => [...(ledger?.records.values() ?? [])].some(({ graceful }) => graceful === true)))
      for (const daemon of await sessions.graceful(false, signal)) say(`${daemon}: no graceful shutdown any more`);
    await sessions.lift(ours, signal);
    for (const { peer } of ours) say(`${peer}: opened`);
    for (const peer of foreign(sessions.found, ledgers)) say(`${peer} stays shut: somebody else has shut it`);
    if (ours.length === 0) say('no session is shut by fourlane');
  });
}

/** Peers of sessions that a ledger has, and that are shut by another hand. */
function foreign(found: ReadonlyMap<string, SpokenSession>, ledgers: readonly (Ledger | undefined)[]): readonly string[] {
  const recorded = ledgers.flatMap((ledger) => [...(ledger?.records.values() ?? [])].flatMap(({ shut }) => shut));
  const shut = recorded.filter((peer) => {
    const session = found.get(sessionKey(peer));
    return session?.shut === true && !isOurs(session);
  });
  return [...new Set(shut.map(({ peer }) => peer))];
}

async function readable(path: string, say: (line: string) => void): Promise<Ledger | undefined> {
  try {
    return await Ledger.read(path);
  } catch (error) {
    say((error as Error).message);
    return undefined;
  }
}

async function withSessions(
  sockets: Sockets,
  open: Open,
  work: (sessions: Sessions, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const sessions = await Sessions.open(sockets, signal, open);
  try {
    await work(sessions, signal);
  } finally {
    sessions.close();
  }
}
