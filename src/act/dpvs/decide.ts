/**
 * What to write for one real server. Pure. DPVS has one weight and one `inhibited` flag per real server, and several may write
 * them: the owner of the services (weights, through the agent), other health checkers and DPVS's passive check (the flag),
 * ipvsadm (both). So before a real server is taken out it is noted what it was like, it is brought back as its owner last wanted
 * it, and it is left alone when somebody else had taken it out first.
 */
import * as z from 'zod';
import { MOST_WEIGHT } from '../../model/combined.ts';
import type { Effect, Note, Outcome } from '../actuator.ts';
import type { AgentRealServer } from './codec.ts';
import type { HealthItem } from './client.ts';

/** What is remembered of a real server between calls. */
const memo = z.discriminatedUnion('by', [
  /** Nothing of it has been changed by fourlane. */
  z.object({ by: z.literal('nobody') }),
  /** Somebody else had taken it out when fourlane wanted to. */
  z.object({ by: z.literal('others') }),
  /**
   * fourlane left it with the weight `left` (one of these, when the end of a write is not known). Its full weight is `full`, as
   * long as its owner leaves the configured one at `owner`. `out`: whether fourlane has taken it out (with a full weight of 0 the
   * weight does not show that); missing in notes before 2026-12.
   */
  z.object({
    by: z.literal('fourlane'),
    left: z.array(z.int()),
    full: z.int(),
    owner: z.int(),
    out: z.boolean().exactOptional(),
  }),
  /** It may have been fourlane. */
  z.object({ by: z.literal('unknown') }),
]);
export type Memo = z.output<typeof memo>;

/** A real server in both views of the agent. */
export interface Seen {
  readonly cached: AgentRealServer;
  readonly live: AgentRealServer;
}

export interface Decision {
  /** To be written; undefined when it is as it should be. */
  readonly item: HealthItem | undefined;
  /** What is true of it once the item is written, or at once without one. */
  readonly note: Memo;
}

const NOBODY: Memo = { by: 'nobody' };

/** The content of the note that came with an effect; a damaged one counts as unknown. */
export function readNote(note: Note): Memo {
  if (note.kind !== 'noted') return note.kind === 'untouched' ? NOBODY : { by: 'unknown' };
  try {
    return memo.parse(JSON.parse(note.text));
  } catch {
    return { by: 'unknown' };
  }
}

/** The note as it travels with an outcome. */
export function noted(value: Memo): NonNullable<Outcome['note']> {
  return { kind: 'noted', text: JSON.stringify(value) };
}

type Wish = Pick<Effect, 'state' | 'weight' | 'configured'>;

/** Decides for an effect of kind `realServer`. */
export function decide(wish: Wish, seen: Seen, before: Memo): Decision {
  const { cached, live } = seen;
  if (isHeldByOthers(seen, before)) return { item: undefined, note: { by: 'others' } };
  const full = fullWeight(seen, before);
  const target = targetOf(wish, full);
  const after: Memo = { by: 'fourlane', left: [target.weight], full, owner: cached.weight, out: target.inhibited };
  if (live.weight === target.weight && live.inhibited === target.inhibited) {
    return { item: undefined, note: before.by === 'nobody' || before.by === 'others' ? NOBODY : after };
  }
  const { ip, port } = cached;
  return { item: { ip, port, ...target, ...(live.mode === undefined ? {} : { mode: live.mode }) }, note: after };
}

/** The note while it is not known whether the write of `after` has happened. */
export function uncertain(before: Memo, after: Memo): Memo {
  if (after.by !== 'fourlane' || before.by !== 'fourlane') return after;
  const out = before.out !== false || after.out !== false;
  return { ...after, left: [...new Set([...before.left, ...after.left])], out };
}

function isHeldByOthers({ cached, live }: Seen, before: Memo): boolean {
  // A weight of 0 that the owner has configured is no outage: it is restored as it was.
  const isOut = live.inhibited || (live.weight === 0 && cached.weight !== 0);
  if (!isOut || before.by === 'unknown') return false;
  // In slow start fourlane had left it in service.
  return before.by !== 'fourlane' || before.out === false || before.left.every((weight) => weight > 0);
}

/** The weight it has while nothing is wrong: the last one that was not written by fourlane. */
function fullWeight({ cached, live }: Seen, before: Memo): number {
  if (before.by === 'unknown') return cached.weight;
  if (before.by !== 'fourlane') return live.weight;
  if (!before.left.includes(live.weight)) return live.weight;
  return before.owner === cached.weight ? before.full : cached.weight;
}

/** `weight` is a part of fourlane's configured weight, or more than it; the same part of the full one is wanted. */
function targetOf({ state, weight = 0, configured = weight }: Wish, full: number) {
  if (state === 'disabled') return { weight: 0, inhibited: true };
  const part = configured > 0 ? weight / configured : 1;
  return { weight: full === 0 ? 0 : Math.min(MOST_WEIGHT, Math.max(1, Math.round(full * part))), inhibited: false };
}
