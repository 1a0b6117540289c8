/**
 * Something that happens in the agent, and who wants to know of it. While the agent is put together parts subscribe in any order.
 */
export class Topic<T> {
  readonly #listeners: ((value: T) => void)[] = [];

  on(listener: (value: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls the listeners in the order in which they subscribed. */
  readonly emit = (value: T): void => {
    for (const listener of this.#listeners) listener(value);
  };
}
