/**
 * A release that is on the disk: its content, whether it may run here, and how a file is merged with it. Reads and unpacks all of
 * it: only for a thread that may take its time.
 */
import { readFileSync } from 'node:fs';
import { FourlaneError } from '../../model/errors.ts';
import { refusals } from '../release/admission.ts';
import { unpackBlob } from '../release/blob.ts';
import { type Content, type Json, mergeConfig, realServerList } from '../release/content.ts';
import { diffContent } from '../release/diff.ts';
import { type Unpacked, unpackContent } from '../release/release.ts';
import { distrust, trustedKey } from '../release/signature.ts';
import { readValue } from '../value-codec.ts';
import type { Release } from '../values.ts';
import { blobPath, releaseKey, releasePath } from './files.ts';

export interface ReleaseAsked {
  readonly directory: string;
  readonly root: string;
  /** Left out: it runs already, and is not asked whether it may. */
  readonly admission?: {
    readonly cluster: string;
    /** Root of what runs. */
    readonly running: string | undefined;
    /** It was good here: it is gone back to, however much that removes. */
    readonly proven: boolean;
    /** Ed25519 key, base64. */
    readonly trust: string | undefined;
  };
}

export interface OpenedRelease {
  /** `release 42`. */
  readonly name: string;
  /** Why it may not run; empty = it may. */
  readonly refusals: readonly string[];
  /** Pairs of service and real server that run and would not any more. */
  readonly removed: number;
  /** What evidence counts in: the real servers, sorted, one a line. */
  readonly realServers: string;
  /** The configuration of this server. Throws CLUSTER_INVALID when the file has what the release carries. */
  merge(file: Json): Json;
}

/** Blobs of the releases that were opened last: mostly all but one of them are in the next one, too. */
export interface Opened {
  known: Unpacked;
}

/**
 * Opens a release. Throws STATE_DAMAGED when what is on the disk is not what it should be: it can be fetched again;
 * CLUSTER_INVALID when it is what was released, and is no configuration.
 */
export function openRelease({ directory, root, admission }: ReleaseAsked, opened: Opened = { known: new Map() }): OpenedRelease {
  const used: Unpacked = new Map();
  const contentOf = (each: string) => read(directory, each, { known: opened.known, used });
  const [release, next] = contentOf(root);
  const realServers = realServerList(next).join('\n');
  const base = { name: `release ${release.n}`, realServers, merge: (file: Json) => mergeConfig(file, next) };
  let answer: OpenedRelease = { ...base, refusals: [], removed: 0 };
  if (admission !== undefined) {
    const { cluster, running, proven, trust } = admission;
    const diff =
      running === undefined
        ? undefined
        : diffContent(
            whatRuns(() => contentOf(running)[1]),
            next,
          );
    const limited = proven ? undefined : diff;
    const distrusted = trust === undefined ? undefined : distrust(release, cluster, trustedKey(trust));
    // Poison is known before anything is fetched.
    const found = refusals({ release, next, poison: new Map(), distrusted, ...(limited === undefined ? {} : { diff: limited }) });
    answer = { ...base, refusals: found.map(({ message }) => message), removed: diff?.realServers.removed ?? 0 };
  }
  opened.known = used;
  return answer;
}

interface Blobs {
  readonly known: Unpacked;
  readonly used: Unpacked;
}

function read(directory: string, root: string, { known, used }: Blobs): readonly [Release, Content] {
  const release = damaged(() => {
    const path = releasePath(directory, root);
    const found = readValue('release', releaseKey(0), readFileSync(path));
    if (found.root !== root) throw new Error(`${path} is the release of another root, ${found.root}`);
    return found;
  });
  for (const hash of [release.base, ...release.shards]) {
    const value = known.get(hash) ?? damaged(() => unpackBlob(hash, readFileSync(blobPath(directory, hash))));
    used.set(hash, value);
  }
  return [release, unpackContent(release, () => undefined, used)];
}

/** Without it nobody can tell how much a release removes. */
function whatRuns(read: () => Content): Content {
  try {
    return read();
  } catch (error) {
    const remedy = 'restart the agent: it begins with the release that is whole on its disk';
    const damage = `which is damaged on the disk of this server: ${(error as Error).message}`;
    const message = `cannot be compared with what runs, ${damage}; ${remedy}`;
    throw new FourlaneError('STATE_DAMAGED', message, { cause: error });
  }
}

/** What is not as it should be may be so on this disk only. */
function damaged<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new FourlaneError('STATE_DAMAGED', (error as Error).message, { cause: error });
  }
}
