/** A condition that lasts is reported once, and again when it is another one. */
export class Once {
  readonly #report: (text: string) => void;
  readonly #over: () => void;
  #last = '';

  /**
   * @param report called with each text that is not the one before
   * @param over called when there is nothing to report any more
   */
  constructor(report: (text: string) => void, over: () => void = () => undefined) {
    this.#report = report;
    this.#over = over;
  }

  /** What there is to report now; '' = nothing. */
  set(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    if (text === '') this.#over();
    else this.#report(text);
  }

  /** The text set last. */
  get text(): string {
    return this.#last;
  }
}
