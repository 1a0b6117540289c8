/** The contents of releases that stand in etcd. What two releases share is fetched and unpacked once. */
import { FourlaneError } from '../../model/errors.ts';
import type { Content } from '../release/content.ts';
import { missingBlobs, type Unpacked, unpackContent } from '../release/release.ts';
import type { Release, Version } from '../values.ts';
import type { ClusterState } from '../view/state.ts';
import type { Store } from '../store/store.ts';

const AT_ONCE = 8;

export class Contents {
  readonly #store: Pick<Store, 'blob'>;
  readonly #known: Unpacked = new Map();
  readonly #made = new Map<string, Content>();

  constructor(store: Pick<Store, 'blob'>) {
    this.#store = store;
  }

  /** Rejects with CLUSTER_INVALID when a blob is missing or damaged. */
  async of(release: Release): Promise<Content> {
    const made = this.#made.get(release.root);
    if (made !== undefined) return made;
    const packed = new Map<string, Buffer>();
    const left = [...missingBlobs(release, (hash) => this.#known.has(hash))];
    const fetch = async () => {
      for (let hash = left.pop(); hash !== undefined; hash = left.pop()) {
        const blob = await this.#store.blob(hash);
        if (blob !== undefined) packed.set(hash, blob);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, fetch));
    const content = unpackContent(release, (hash) => packed.get(hash), this.#known);
    this.#made.set(release.root, content);
    return content;
  }
}

/** The release with this number. Throws CLUSTER_INVALID when it is not there, or is damaged; with the latest ones that are. */
export function releaseOf(state: ClusterState, n: number): Release {
  const found = state.release.get(String(n))?.value;
  if (found?.n === n) return found;
  const there = [...state.release.values()].map(({ value }) => value.n).toSorted((a, b) => b - a);
  const list = there.length === 0 ? 'there is none yet' : `there are ${there.slice(0, 10).join(', ')}`;
  throw new FourlaneError('CLUSTER_INVALID', `release ${n}: it is not there, or its key is damaged; ${list}`);
}

/** The release that a pointer names. Throws CLUSTER_INVALID when the release of that number has another root. */
export function releaseAt(state: ClusterState, { release, root }: Version): Release {
  const found = releaseOf(state, release);
  if (found.root === root) return found;
  throw new FourlaneError(
    'CLUSTER_INVALID',
    `release ${release} has the root ${found.root}, the pointer names ${root}; release the configuration again`,
  );
}
