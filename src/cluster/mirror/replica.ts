/** The other end of a mirror: batches in, the keys and values of a range out. Each batch takes as long as it is, never longer. */
import type { Batch, Change } from './changes.ts';
import { type Items, Table } from './table.ts';

export class Replica {
  readonly #items = new Table();
  #revision = 0;
  #complete = false;
  /** Of a mirror that was made again: its first snapshot lists every key, and it knows nothing of ours. */
  #mirror = 0;

  get items(): Items {
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
      else this.#items.set(key, { value, modified, created, mark: this.#mirror });
    }
    if (!last) return different;
    this.#revision = revision;
    return snapshot === 'first' ? [...different, ...this.#unlisted(revision)] : different;
  }

  #differs({ key, value, modified }: Change): boolean {
    return value === undefined ? this.#items.get(key) !== undefined : !this.#items.has(key, modified, value);
  }

  #unlisted(revision: number): readonly Change[] {
    return this.#items.without(this.#mirror).map((key) => {
      this.#items.delete(key);
      return { key, value: undefined, modified: revision, created: 0, lease: 0n };
    });
  }
}
