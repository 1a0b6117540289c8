/**
 * What is looked at again and again, by looks that take time and may overlap: the look that began last counts, also when one that
 * began before it ends after it.
 */
export class Newest<T> {
  readonly #look: () => Promise<T>;
  #begun = 0;
  #taken = 0;
  #value: T | undefined;

  constructor(look: () => Promise<T>) {
    this.#look = look;
  }

  /** What the newest look has found so far; undefined before the first. */
  get value(): T | undefined {
    return this.#value;
  }

  /**
   * Looks once. @returns the newest that is known then, which may be of a later look
   * @param found called with what this look has found, unless a later one was quicker
   */
  async look(found: (value: T) => void): Promise<T> {
    const number = ++this.#begun;
    const value = await this.#look();
    if (number > this.#taken) {
      this.#taken = number;
      this.#value = value;
      found(value);
    }
    return this.#value!;
  }
}
