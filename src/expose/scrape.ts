/** One scrape: families of all sources → body, compressed if asked for. Starts no I/O but the compression, which is off the main thread. */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { FamilySource } from '../model/family.ts';
import { Exposition, type Format } from './exposition.ts';

const compress = promisify(gzip);

export class Scraper {
  readonly #sources: readonly FamilySource[];
  readonly #labels: () => Readonly<Record<string, string>>;
  readonly #running = new Map<string, Promise<Buffer>>();
  #exposition: Exposition | undefined;
  #labelled = '';

  /** `labels`: the labels of every series; the rendered ones are dropped when they change (a reload). */
  constructor(sources: readonly FamilySource[], labels: () => Readonly<Record<string, string>>) {
    this.#sources = sources;
    this.#labels = labels;
  }

  /** The body. Scrapes alike that come while one is in the making share it. */
  scrape(format: Format, gzipped: boolean): Promise<Buffer> {
    const key = `${format} ${gzipped}`;
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const made = this.#make(format, gzipped).finally(() => this.#running.delete(key));
    this.#running.set(key, made);
    return made;
  }

  async #make(format: Format, gzipped: boolean): Promise<Buffer> {
    if (!gzipped) {
      // The next turn of the event loop: requests that are already read from their sockets join this rendering.
      await new Promise(setImmediate);
      return this.#render(format);
    }
    return compress(await this.scrape(format, false), { level: constants.Z_BEST_SPEED });
  }

  #render(format: Format): Buffer {
    const labels = this.#labels();
    const labelled = JSON.stringify(labels);
    if (this.#exposition === undefined || labelled !== this.#labelled) {
      this.#exposition = new Exposition(labels);
      this.#labelled = labelled;
    }
    return this.#exposition.render(this.#sources.flatMap((s) => s.families()), format);
  }
}
