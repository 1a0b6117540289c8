/** The body of /metrics. The rendered labels and the memory of the text are kept from one scrape to the next. */
import { constants, gzipSync } from 'node:zlib';
import { Exposition, type Format } from '../metrics/exposition.ts';
import type { FamilySource } from '../model/family.ts';
import type { Bodies, Body } from './bodies.ts';

export class Scraper {
  readonly #bodies: Bodies;
  readonly #source: FamilySource;
  readonly #labels: () => Readonly<Record<string, string>>;
  #exposition: Exposition | undefined;
  #labelled = '';

  /** `labels`: the labels of every series; the rendered ones are dropped when they change. */
  constructor(bodies: Bodies, source: FamilySource, labels: () => Readonly<Record<string, string>>) {
    this.#bodies = bodies;
    this.#source = source;
    this.#labels = labels;
  }

  /** The text of this moment. @throws FourlaneError OVERLOADED, or what a source throws */
  async scrape(moment: number, format: Format, gzipped: boolean): Promise<Body> {
    const plain = await this.#bodies.take(moment, `metrics ${format}`, () => {
      const exposition = this.#current();
      const bytes = exposition.render(this.#source.families(), format);
      return { bytes, free: () => exposition.release(bytes) };
    });
    if (!gzipped) return plain;
    try {
      // In this thread, which yields to lanes and judge: the pool that would do it otherwise does not.
      const make = () => ({ bytes: gzipSync(plain.bytes, { level: constants.Z_BEST_SPEED }) });
      return await this.#bodies.take(moment, `metrics ${format} gzip`, make);
    } finally {
      plain.release();
    }
  }

  #current(): Exposition {
    const labels = this.#labels();
    const labelled = JSON.stringify(labels);
    if (this.#exposition === undefined || labelled !== this.#labelled) {
      this.#exposition = new Exposition(labels);
      this.#labelled = labelled;
    }
    return this.#exposition;
  }
}
