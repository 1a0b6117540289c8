/** From what stands in etcd to the fact that the judge gets of the other load balancers (R14). */
import { rootPrefix } from '../evidence/evidence.ts';
import { type Peer, type Testimony, testimonyOf, type Translation, translate } from '../evidence/witnesses.ts';
import type { ClusterState } from './state.ts';

/** Sorted real servers of a root, by the first digits of the root; undefined = that configuration is not known here. */
export type ListOf = (prefix: string) => readonly string[] | undefined;

type Testifying = Pick<ClusterState, 'roster' | 'member' | 'evidence'>;

/** Translations between lists are made once. */
export class FleetWord {
  readonly #server: string;
  readonly #listOf: ListOf;
  readonly #translations = new Map<string, Translation>();

  constructor(server: string, listOf: ListOf) {
    this.#server = server;
    this.#listOf = listOf;
  }

  /**
   * What the others find, in indices of the list of `root`; undefined = that list is not known.
   * @param mates the others of this server's shard
   */
  testimony(state: Testifying, mates: readonly string[], root: string): Testimony | undefined {
    const own = rootPrefix(root);
    if (this.#listOf(own) === undefined) return undefined;
    const peers = mates.map((server): Peer => {
      const evidence = state.evidence.get(server)?.value;
      return {
        server,
        roster: state.roster.get(server)?.value,
        alive: state.member.has(server),
        evidence,
        translation: evidence === undefined ? undefined : this.#translation(own, evidence.root, evidence.length),
      };
    });
    return testimonyOf(peers, state.roster.get(this.#server)?.value);
  }

  #translation(own: string, peer: string, length: number): Peer['translation'] {
    const list = this.#listOf(peer);
    // A list of another length is another list, whatever its root is called.
    if (list?.length !== length) return undefined;
    if (own === peer) return 'same';
    const key = `${own} ${peer}`;
    const made = this.#translations.get(key) ?? translate(this.#listOf(own)!, list);
    this.#translations.set(key, made);
    return made;
  }
}
