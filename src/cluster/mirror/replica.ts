/** The other end of a mirror: batches in, the keys and values of a range out. Each batch takes as long as it is, never longer. */
import type { Batch, Change } from './changes.ts';

export interface Item {
  readonly value: Uint8Array;
  readonly modified: number;
  readonly created: number;
}

interface Kept extends Item {
  /** Of the mirror that reported it. */
  readonly mirror: number;
}

export class Replica {
  readonly #items = new Map<string, Kept>();
  #revision = 0;
  #complete = false;
  /** Of a mirror that was made again: its first snapshot lists every key, and it knows nothing of ours. */
  #mirror = 0;

  get items(): ReadonlyMap<string, Item> {
    return this.#items;
  }

  /** Up to which all changes are in `items`, while it is complete. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether `items` are of one moment; while a snapshot is under way they are not. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The mirror is made again. */
  renewed(): void {
    this.#mirror++;
  }

  /** @returns what differs from what was there */
  apply({ changes, revision, snapshot, last }: Batch): readonly Change[] {
    this.#complete = last;
    const different = snapshot === undefined ? changes : changes.filter((change) => this.#differs(change));
    for (const { key, value, modified, created } of changes) {
      if (value === undefined) this.#items.delete(key);
      else this.#items.set(key, { value, modified, created, mirror: this.#mirror });
    }
    if (!last) return different;
    this.#revision = revision;
    return snapshot === 'first' ? [...different, ...this.#unlisted(revision)] : different;
  }

  #differs({ key, value, modified }: Change): boolean {
    const own = this.#items.get(key);
    if (own === undefined || value === undefined) return (own === undefined) !== (value === undefined);
    return own.modified !== modified || Buffer.compare(own.value, value) !== 0;
  }

  #unlisted(revision: number): readonly Change[] {
    const gone: Change[] = [];
    for (const [key, { mirror }] of this.#items) {
      if (mirror === this.#mirror) continue;
      this.#items.delete(key);
      gone.push({ key, value: undefined, modified: revision, created: 0, lease: 0n });
    }
    return gone;
  }
}
