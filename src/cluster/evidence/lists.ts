/** Real servers of the releases that are known here, by root: what evidence counts in. One text each, until somebody asks. */
import { rootPrefix } from './evidence.ts';

/** What runs, what is prepared, what ran before, and one more. */
const MOST = 4;

export class RootLists {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, readonly string[]>();

  /** @param text sorted, one a line */
  keep(root: string, text: string): void {
    const prefix = rootPrefix(root);
    this.#texts.delete(prefix);
    this.#texts.set(prefix, text);
    for (const old of [...this.#texts.keys()].slice(0, -MOST)) {
      this.#texts.delete(old);
      this.#lists.delete(old);
    }
  }

  /** The list of a root, by its first digits; undefined = it is not known here. The same object each time. */
  of(prefix: string): readonly string[] | undefined {
    const text = this.#texts.get(prefix);
    if (text === undefined) return undefined;
    // What is asked for stays.
    this.#texts.delete(prefix);
    this.#texts.set(prefix, text);
    const list = this.#lists.get(prefix) ?? (text === '' ? [] : text.split('\n'));
    this.#lists.set(prefix, list);
    return list;
  }
}
