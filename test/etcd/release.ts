/** Releases written into etcd by hand, whole or damaged: what a careless or hostile API could write. */
import { keyOf } from '../../src/cluster/keys.ts';
import { splitConfig } from '../../src/cluster/release/content.ts';
import { packContent } from '../../src/cluster/release/release.ts';
import type { Caller } from '../../src/cluster/transport/caller.ts';
import { readValue, writeValue } from '../../src/cluster/value-codec.ts';
import type { Applied, Release, Target } from '../../src/cluster/values.ts';
import { deleteRequest, putRequest, rangeRequest, readRange } from '../../src/cluster/wire/kv.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { PREFIX } from './cluster.ts';

const TIMING = { timeoutMs: 2000, againForMs: 20_000 };
const AT = '2026-11-28T12:00:00Z';

export class Releaser {
  readonly #api: Caller;

  constructor(api: Caller) {
    this.#api = api;
  }

  async put(key: string, value: string | Uint8Array): Promise<void> {
    await this.#api.call(METHODS.put, putRequest(PREFIX + key, value), TIMING);
  }

  async delete(key: string): Promise<void> {
    await this.#api.call(METHODS.deleteRange, deleteRequest({ key: PREFIX + key }), TIMING);
  }

  async get(key: string): Promise<Buffer | undefined> {
    return readRange(await this.#api.call(METHODS.range, rangeRequest({ key: PREFIX + key }), TIMING)).items[0]?.value;
  }

  async roster(server: string, ring: string): Promise<void> {
    await this.put(keyOf('roster', server), writeValue('roster', 'roster', { ring }));
  }

  async maintenance(id: string, server: string): Promise<void> {
    const value = { by: 'ops', at: AT, why: 'new disks', subject: { server } };
    await this.put(keyOf('maintenance', id), writeValue('maintenance', 'maintenance', value));
  }

  /** Writes a release; @returns its root. `without`: the blob of this shard or `base` is left out. */
  async release(n: number, config: object, { without }: { readonly without?: 'base' } = {}): Promise<string> {
    const packed = packContent(splitConfig(config as Record<string, unknown>).content);
    for (const { hash, packed: bytes } of packed.blobs.values())
      if (without === undefined || hash !== packed.base) await this.put(keyOf('blob', hash), bytes);
    const { root, base, shards } = packed;
    const value: Release = { n, root, parent: null, author: 'test', at: AT, reason: 'test', base, shards: [...shards] };
    await this.put(keyOf('release', n), writeValue('release', 'release', value));
    return root;
  }

  async target(ring: string, target: Target): Promise<void> {
    await this.put(keyOf('target', ring), writeValue('target', 'target', target));
  }

  async applied(server: string): Promise<Applied | undefined> {
    const value = await this.get(keyOf('applied', server));
    return value && readValue('applied', keyOf('applied', server), value);
  }
}
