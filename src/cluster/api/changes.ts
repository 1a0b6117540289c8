/** What a release would change in each ring, and whether it may: shown by `plan`, and asked before anything is written. */
import { refusals, type Refusal } from '../release/admission.ts';
import type { Content } from '../release/content.ts';
import { type ContentDiff, diffContent, diffText } from '../release/diff.ts';
import type { Release } from '../values.ts';
import { type ClusterState, plain } from '../view/state.ts';
import { type Contents, releaseAt } from './contents.ts';

export interface RingChange {
  readonly ring: string;
  /** Number of the release that the ring must run now; null = none. */
  readonly from: number | null;
  /** It runs this very configuration. */
  readonly same: boolean;
  /** Left out = the ring runs nothing yet. */
  readonly diff?: ContentDiff;
  readonly text: string;
  readonly refusals: readonly Refusal[];
}

const NOTHING: Content = { services: new Map(), base: {} };

/** Rings that a roster or a pointer names, in the order of their names. */
export function ringsOf({ roster, target }: Pick<ClusterState, 'roster' | 'target'>): readonly string[] {
  return [...new Set([...target.keys(), ...[...roster.values()].map(({ value }) => value.ring)])].toSorted();
}

/** One entry for each ring. Rejects with CLUSTER_INVALID when what runs is not to be had. */
export function changesOf(
  release: Pick<Release, 'n' | 'root' | 'allow'>,
  next: Content,
  state: ClusterState,
  contents: Contents,
): Promise<readonly RingChange[]> {
  const poison = new Map([...plain(state.poison)].map(([root, { why }]) => [root, why]));
  const change = async (ring: string): Promise<RingChange> => {
    const target = state.target.get(ring)?.value;
    if (target === undefined) {
      const text = diffText(diffContent(NOTHING, next));
      return { ring, from: null, same: false, text, refusals: refusals({ release, next, poison }) };
    }
    const diff = diffContent(await contents.of(releaseAt(state, target)), next);
    const same = target.root === release.root;
    const found = same ? [] : refusals({ release, next, diff, poison });
    return { ring, from: target.release, same, diff, text: diffText(diff), refusals: found };
  };
  return Promise.all(ringsOf(state).map(change));
}

/** What several rings refuse alike is named once. */
export function refusalTexts(changes: readonly RingChange[]): readonly string[] {
  return [...new Set(changes.flatMap((each) => each.refusals.map(({ message }) => message)))];
}
