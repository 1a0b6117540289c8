/** How a rollout begins: from the pointers as they stand, and never beside another one that is live. */
import { keyOf } from '../keys.ts';
import { type Compare, type Held, put, type TxnPlan } from '../txn-plan.ts';
import type { Rollout, Target, Version } from '../values.ts';
import { isLive } from './rollout.ts';

export interface RolloutWish extends Pick<Rollout, 'stages' | 'onHalt' | 'allowAbsent' | 'startedBy' | 'at' | 'baseline'> {
  readonly to: Version;
}

export type Beginning =
  | { readonly begins: true; readonly n: number; readonly txn: TxnPlan }
  | { readonly begins: false; readonly why: string };

/**
 * The transaction that begins a rollout. It fails when somebody begins one at the same time, or moves a pointer meanwhile.
 * @param targets of all rings
 * @param rollouts that there are, by number
 */
export function beginRollout(
  wish: RolloutWish,
  targets: ReadonlyMap<string, Held<Target>>,
  rollouts: ReadonlyMap<string, Held<Rollout>>,
): Beginning {
  const refuse = (why: string): Beginning => ({ begins: false, why });
  const live = [...rollouts.values()].find(({ value }) => isLive(value))?.value;
  if (live !== undefined) {
    const { n, state, startedBy, to } = live;
    return refuse(
      `rollout ${n} of ${startedBy} to release ${to.release} is ${state}; wait for it, or halt it and let it go back`,
    );
  }
  const rings = wish.stages.map(({ ring }) => ring);
  const twice = rings.find((ring, index) => rings.indexOf(ring) !== index);
  if (twice !== undefined) return refuse(`ring ${twice} is in two stages; name each ring once`);
  const unknown = rings.find((ring) => !targets.has(ring));
  if (unknown !== undefined)
    return refuse(`ring ${unknown} runs nothing yet, so there is nothing to go back to; give it a release first`);
  const missing = [...targets.keys()].filter((ring) => !rings.includes(ring)).toSorted();
  if (missing.length > 0) return refuse(`no stage has ring ${missing.join(', ')}; a rollout ends with one release everywhere`);
  const n = Math.max(0, ...[...rollouts.values()].map(({ value }) => value.n)) + 1;
  const from = Object.fromEntries(
    rings.map((ring) => {
      const { release, root } = targets.get(ring)!.value;
      return [ring, { release, root }];
    }),
  );
  const compare: Compare[] = [
    { key: keyOf('rollout', n), mod: 0 },
    ...rings.map((ring) => ({ key: keyOf('target', ring), mod: targets.get(ring)!.mod })),
  ];
  const value: Rollout = { ...wish, n, from, stage: 0, state: 'preparing', why: '' };
  return { begins: true, n, txn: { compare, writes: [put('rollout', [n], value)] } };
}
