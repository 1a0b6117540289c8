/** Things that several collectors use together: made for the first one, closed after the last. */

interface Closable {
  close(): void | Promise<void>;
}

export class Shares {
  readonly #held = new Map<string, { readonly value: Closable; users: number }>();

  /** The thing with this key; the key decides its type. Give it back once, with `release`. */
  take<T extends Closable>(key: string, make: () => T): { readonly value: T; release(): void } {
    let held = this.#held.get(key);
    if (held === undefined) {
      held = { value: make(), users: 0 };
      this.#held.set(key, held);
    }
    const mine = held;
    mine.users++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--mine.users > 0) return;
      this.#held.delete(key);
      void mine.value.close();
    };
    return { value: mine.value as T, release };
  }
}
