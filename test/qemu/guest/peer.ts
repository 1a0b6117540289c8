/** Clients and servers in network namespaces, each a thread. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface Ask {
  readonly id: number;
  /**
   * `serve`, `close`: HTTP on port 80. `whoami`: HTTP that answers with the peer's address, on port 8080 over IPv4, 8081 over
   * IPv6, 8082 over both. `echo`: UDP on port 53. `get`, `ask`: requests to those, `count` of them. `hold`,
   * `release`: connections to port 80 that have begun a request and stay.
   */
  readonly do: 'serve' | 'close' | 'whoami' | 'echo' | 'get' | 'ask' | 'hold' | 'release';
  readonly host?: string;
  readonly count?: number;
}

export class Peer {
  readonly #worker: Worker;
  #id = 0;

  constructor(namespace: string) {
    this.#worker = new Worker(new URL('peer.worker.ts', import.meta.url), { workerData: { namespace } });
    this.#worker.unref();
  }

  /** Answers of `get` and `ask`, sorted; of the rest one word. */
  async tell(what: Ask['do'], host = '', count = 1): Promise<string[]> {
    const id = ++this.#id;
    this.#worker.ref();
    this.#worker.postMessage({ id, do: what, host, count } satisfies Ask);
    for (;;) {
      const [message] = (await once(this.#worker, 'message')) as [{ id: number; answer: string }];
      if (message.id !== id) continue;
      this.#worker.unref();
      return message.answer.split(' ').sort();
    }
  }
}

const peers = new Map<string, Peer>();

/** The thread in this namespace; made at the first call. */
export function peer(namespace: 'cli' | 'rs1' | 'rs2'): Peer {
  const made = peers.get(namespace) ?? new Peer(namespace);
  peers.set(namespace, made);
  return made;
}
