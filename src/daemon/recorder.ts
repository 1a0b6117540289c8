/** Records the evidence log (docs/attribution.md): what the judge saw, so that `fourlane replay` says what it said. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { formatDataplane, formatHeader, formatLink, formatResult } from '../judge/evidence.ts';
import type { Facts } from '../model/facts.ts';
import type { Topology } from '../model/topology.ts';

/** Bytes waiting to be written above which new evidence is dropped and counted: a slow disk must not fill the memory. */
const MAX_PENDING = 16 << 20;

export class Recorder {
  readonly path: string;
  readonly #stream: WriteStream;
  /** Lines not written because the disk was too slow or failed. */
  dropped = 0;
  #failed = false;
  #topology: Topology | undefined;

  /** @param failed told once when the file can't be written; recording then ends, the agent goes on */
  constructor(path: string, failed: (message: string) => void) {
    this.path = path;
    this.#stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
    this.#stream.on('error', (error) => {
      this.#failed = true;
      failed(`evidence log ${path}: ${error.message}; recording has ended`);
    });
  }

  /** Appends one pass's facts; a new header line whenever the topology is another. */
  record(facts: Facts, topology: Topology): void {
    const { results, links, dataplane } = facts;
    if (this.#failed || this.#stream.writableLength > MAX_PENDING) {
      this.dropped += results.count + links.length + dataplane.length;
      return;
    }
    let text = '';
    if (this.#topology !== topology) text += `${formatHeader(topology)}\n`;
    this.#topology = topology;
    for (const fact of links) text += `${formatLink(topology, fact)}\n`;
    for (const fact of dataplane) text += `${formatDataplane(topology, fact)}\n`;
    for (let i = 0; i < results.count; i++) text += `${formatResult(topology, results, i)}\n`;
    if (text !== '') this.#stream.write(text);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failed) resolve();
      else this.#stream.end(() => resolve());
    });
  }
}

/** The recorder the plan asks for, if any; follows the plan over reloads. */
export class Recording {
  readonly #failed: (message: string) => void;
  #current: Recorder | undefined;

  constructor(failed: (message: string) => void) {
    this.#failed = failed;
  }

  get current(): Recorder | undefined {
    return this.#current;
  }

  /** Records to `path` from now on; undefined = nowhere. */
  follow(path: string | undefined): void {
    if (path === this.#current?.path) return;
    void this.#current?.close();
    this.#current = path === undefined ? undefined : new Recorder(path, this.#failed);
  }
}
