/** From evidence, which counts in positions of lists, to the real servers themselves. */
import { rootPrefix } from '../evidence/evidence.ts';
import { realServerList } from '../release/content.ts';
import type { BadOf } from '../rollout/halts.ts';
import type { ClusterState } from '../view/state.ts';
import type { Contents } from './contents.ts';

/** Which real servers each server finds bad, by the lists of the releases that there are. */
export async function badIn(state: ClusterState, contents: Contents): Promise<BadOf> {
  const lists = new Map<string, readonly string[]>();
  const wanted = new Set([...state.evidence.values()].map(({ value }) => value.root));
  for (const { value: release } of state.release.values())
    if (wanted.has(rootPrefix(release.root)))
      try {
        lists.set(rootPrefix(release.root), realServerList(await contents.of(release)));
      } catch {
        // Whoever runs it is no witness.
      }
  return (server) => {
    const evidence = state.evidence.get(server)?.value;
    if (evidence === undefined || evidence.frozen || evidence.blind) return undefined;
    const list = lists.get(evidence.root);
    if (list?.length !== evidence.length) return undefined;
    return new Set(evidence.bad.map((index) => list[index]!));
  };
}
