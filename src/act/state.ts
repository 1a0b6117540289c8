/** The saved form of what is applied. Lenient on reading: a damaged entry is left out, the rest is used. */
import * as z from 'zod';
import { EFFECT_KINDS } from '../model/subject.ts';
import type { Effect } from './actuator.ts';
import { type Entry, heldIn } from './entry.ts';

export interface AppliedState {
  readonly version: 1;
  readonly applied: readonly AppliedEffect[];
}

interface AppliedEffect {
  readonly effect: Effect;
  /** Null: a call was under way, its end is not known. */
  readonly value: string | null;
  /** What the actuator noted with it. */
  readonly note?: string;
}

const entry = z.object({
  effect: z.object({
    key: z.string(),
    spec: z.looseObject({ type: z.string() }),
    kind: z.enum(EFFECT_KINDS),
    cluster: z.string(),
    server: z.string(),
    service: z.string().optional(),
    vip: z.string().optional(),
    nic: z.string().optional(),
    realServer: z.string().optional(),
    state: z.enum(['ok', 'failed', 'enabled', 'disabled']),
    weight: z.number().optional(),
    configured: z.number().optional(),
    sorry: z.literal(true).optional(),
    verdict: z.string(),
    cause: z.string(),
    reason: z.string(),
  }),
  value: z.string().nullable(),
  note: z.string().optional(),
});

/**
 * What a restart must know of an entry; undefined when that is nothing: at rest.
 * @param rest the value of `entry.last` at rest
 */
export function savedForm(entry: Entry, rest: string | undefined): AppliedEffect | undefined {
  const held = heldIn(entry);
  if (held !== undefined && held === rest) return undefined;
  // A note from before a call whose end is not known would be wrong.
  const isKnown = held !== undefined || entry.state.is !== 'running';
  const note = entry.note === undefined || !isKnown ? {} : { note: entry.note };
  const { entries: _, ...effect } = entry.last;
  return { effect, value: held ?? null, ...note };
}

/** Reads a saved state of any origin; never throws. */
export function parseAppliedState(saved: unknown): { entries: AppliedState['applied']; damaged: number } {
  const outer = z.object({ version: z.literal(1), applied: z.array(z.unknown()) }).safeParse(saved);
  if (!outer.success) return { entries: [], damaged: saved === undefined || saved === null ? 0 : 1 };
  const good = outer.data.applied.flatMap((item) => {
    const parsed = entry.safeParse(item);
    return parsed.success ? [parsed.data as AppliedEffect] : [];
  });
  return { entries: good, damaged: outer.data.applied.length - good.length };
}
