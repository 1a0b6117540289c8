/**
 * Brings the real servers of one service where they should be: read both views, decide, write what differs at the version read,
 * read again. A conflict starts over. Success is what DPVS shows afterwards: the agent answers 200 also when it has dropped an
 * item.
 */
import type { Call, Effect, Outcome } from '../actuator.ts';
import { type DpvsAgent, type HealthItem, serviceId } from './client.ts';
import { decide, type Memo, noted, uncertain } from './decide.ts';
import { isNameless, type Whole, withNameless } from './nameless.ts';

/** One effect and what is known of its real server. */
export interface Asked {
  readonly effect: Effect;
  note: Memo;
}

/** A service, and how its real servers are read from DPVS itself, if they are. */
export interface ServiceLook {
  readonly vip: string;
  readonly look: Call['look'];
}

/** Writes for one call; the reconciler's pause comes after them. */
const MOST_WRITES = 4;

const HELD = 'somebody else has taken it out of service; it is left to them';
const ABSENT = 'DPVS has no such real server in this service, so it receives nothing';
const NOT_CACHED =
  'dpvs-agent has not made this service itself (it was made by ipvsadm or keepalived, or the agent has been restarted) and ' +
  'refuses ' +
  'health updates for it; let its owner PUT it again through the agent';
const NOT_LISTED = 'dpvs-agent does not know this real server and would drop its update; let its owner PUT it through the agent';
const NO_IPV6 =
  'dpvs-agent shows IPv6 real servers without address; their state is read from DPVS by the collector dpvs: turn it on ' +
  '(collectors.dpvs), or use another actuator for this service';
const UNREAD =
  'the collector dpvs can not read the real servers of this service from DPVS now, and dpvs-agent shows no IPv6 ones';
const NO_MARK = 'dpvs-agent knows services by address and port only, not by firewall mark';
const NOT_KEPT = 'dpvs-agent accepted the change, but DPVS does not show it, or somebody else undid it at once';

/** What is to be done for one effect: write, or nothing for this reason. */
type Step =
  | { readonly item: HealthItem; readonly note: Memo }
  | {
      readonly item?: undefined;
      readonly note: Memo;
      readonly result: 'unchanged' | 'unsupported' | 'failed';
      readonly message?: string;
    };

/**
 * One outcome for each, in order; the notes in `asked` follow what is written, also when it throws.
 * @throws AgentError when the agent, or DPVS behind it, can't be asked or has refused
 */
export async function applyService(agent: DpvsAgent, { vip, look }: ServiceLook, asked: readonly Asked[]): Promise<Outcome[]> {
  const id = serviceId(vip);
  if (id === undefined) return asked.map(() => ({ result: 'unsupported', message: NO_MARK }));
  /** Those that were not as wanted. */
  const differing = new Set<Asked>();
  /** The version at which the last write was accepted. */
  let accepted: string | undefined;
  for (let writes = 0; ; writes++) {
    const shown = await agent.read(id, vip);
    const view = typeof shown === 'string' ? shown : await withNameless(shown, asked, look && (() => look(vip)));
    const steps = asked.map((one) => stepFor(one, view, vip));
    steps.forEach(({ item, note }, i) => {
      const one = asked[i]!;
      if (item || (note.by === 'others' && one.note.by === 'fourlane')) differing.add(one);
      if (!item) one.note = note;
    });
    const writing = steps.flatMap((step, i) => (step.item ? [{ ...step, one: asked[i]! }] : []));
    const version = typeof view === 'string' ? undefined : view.cached.version;
    const obstacle = writing.length === 0 ? '' : obstacleTo(version, accepted, writes);
    if (writing.length === 0 || obstacle !== '' || version === undefined) {
      return steps.map((step, i) => endOf(step, asked[i]!, obstacle, differing.has(asked[i]!)));
    }
    const notes = writing.map(({ one }) => one.note);
    for (const { one, note } of writing) one.note = uncertain(one.note, note);
    const answer = await writeAll(agent, id, version, writing);
    accepted = answer === 'written' ? version : undefined;
    writing.forEach(({ one, note }, i) => {
      if (answer === 'written') one.note = note;
      if (answer === 'conflict') one.note = notes[i]!;
    });
  }
}

/**
 * Writes all that differs: first what the version guards, then IPv6 real servers, whose writing makes another version.
 * @returns as `DpvsAgent.write`
 */
async function writeAll(agent: DpvsAgent, id: string, version: string, writing: readonly { readonly item: HealthItem }[]) {
  const items = writing.map(({ item }) => item);
  const guarded = items.filter(({ ip }) => !ip.includes(':'));
  const answer = guarded.length === 0 ? 'written' : await agent.write(id, version, guarded);
  if (answer === 'written' && guarded.length < items.length)
    await agent.edit(
      id,
      items.filter(({ ip }) => ip.includes(':')),
    );
  return answer;
}

function missing(vip: string, why: 'unknown' | 'lost'): string {
  return why === 'lost'
    ? `DPVS has no service ${vip}, though dpvs-agent lists it: DPVS has been started again since; let its owner PUT it again`
    : `DPVS has no service ${vip}; correct services[].vip, or take the service out of the configuration`;
}

function stepFor({ effect, note }: Asked, view: Whole | 'unknown' | 'lost', vip: string): Step {
  const isRest = effect.state === 'enabled';
  const isUntouched = isRest && note.by === 'nobody';
  if (typeof view === 'string') {
    const message = missing(vip, view);
    // Not taken for proof that nothing is left to be brought back: the agent also answers so when DPVS was busy.
    return isUntouched ? { note, result: 'unchanged' } : { note, result: 'failed', message };
  }
  const name = effect.realServer ?? '';
  const live = view.live.realServers.get(name);
  const cached = view.cached.realServers.get(name);
  if (live && cached) {
    const { item, note: next } = decide(effect, { cached, live }, note);
    if (item) return { item, note: next };
    return { note: next, result: 'unchanged', ...(next.by === 'others' ? { message: HELD } : {}) };
  }
  if (live) return isUntouched ? { note, result: 'unchanged' } : { note, result: 'failed', message: NOT_LISTED };
  const isHidden = view.named !== 'all' && isNameless(view.live, name);
  if (!isHidden) return { note, result: 'unchanged', message: ABSENT };
  if (isUntouched) return { note, result: 'unchanged' };
  return view.named === 'none' ? { note, result: 'unsupported', message: NO_IPV6 } : { note, result: 'failed', message: UNREAD };
}

/** Why nothing may be written (again); '' when it may. */
function obstacleTo(version: string | undefined, accepted: string | undefined, writes: number): string {
  if (version === undefined) return NOT_CACHED;
  if (version === accepted) return NOT_KEPT;
  return writes < MOST_WRITES ? '' : `another writer was quicker ${MOST_WRITES} times; it is tried again later`;
}

function endOf(step: Step, one: Asked, obstacle: string, differs: boolean): Outcome {
  const note = noted(one.note);
  if (step.item) return { result: 'failed', message: obstacle, differs, note };
  const { result, message } = step;
  const why = message === undefined ? {} : { message };
  return { result: result === 'unchanged' && differs && one.note.by !== 'others' ? 'done' : result, differs, note, ...why };
}
