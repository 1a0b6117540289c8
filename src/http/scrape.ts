/** One scrape: families of all sources → body, compressed if asked for. Starts no I/O but the compression, which is off the main thread. */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { FamilySource } from '../model/family.ts';
import { Exposition, type Format } from '../metrics/exposition.ts';

const compress = promisify(gzip);

/** A body that is being sent. `release` must be called once when it has been, or has failed to be. */
export interface Body {
  readonly bytes: Buffer;
  release(): void;
}

interface Making {
  readonly bytes: Promise<Buffer>;
  holders: number;
  readonly free: (bytes: Buffer) => void;
}

export class Scraper {
  readonly #source: FamilySource;
  readonly #labels: () => Readonly<Record<string, string>>;
  readonly #running = new Map<string, Making>();
  #exposition: Exposition | undefined;
  #labelled = '';

  /** `labels`: the labels of every series; the rendered ones are dropped when they change (a reload). */
  constructor(source: FamilySource, labels: () => Readonly<Record<string, string>>) {
    this.#source = source;
    this.#labels = labels;
  }

  /** The body. Scrapes alike that come while one is in the making share it. */
  async scrape(format: Format, gzipped: boolean): Promise<Body> {
    const key = `${format} ${gzipped}`;
    let making = this.#running.get(key);
    if (making === undefined) {
      making = gzipped ? this.#compressed(format) : this.#plain(format);
      this.#running.set(key, making);
      const forget = () => void this.#running.delete(key);
      making.bytes.then(forget).catch(forget);
    }
    const held = making;
    held.holders++;
    const bytes = await held.bytes;
    return { bytes, release: () => --held.holders === 0 && held.free(bytes) };
  }

  #compressed(format: Format): Making {
    const make = async () => {
      const plain = await this.scrape(format, false);
      try {
        return await compress(plain.bytes, { level: constants.Z_BEST_SPEED });
      } finally {
        plain.release();
      }
    };
    return { bytes: make(), holders: 0, free: () => undefined };
  }

  #plain(format: Format): Making {
    // Rendered in the next turn of the event loop: requests that have already been read from their sockets join in.
    const bytes = new Promise(setImmediate).then(() => this.#current().render(this.#source.families(), format));
    return { bytes, holders: 0, free: (body) => this.#exposition?.release(body) };
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
