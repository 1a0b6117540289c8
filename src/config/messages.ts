/** What the judge's thread and the thread that reads configurations say to each other. */
import type { ErrorCode } from '../model/errors.ts';
import type { PlanDiff } from './diff.ts';

export interface LoadRequest {
  readonly path: string;
  readonly hostname: string;
  /** The plan that is followed now: as bytes, and its fingerprint. */
  readonly running: SharedArrayBuffer;
  readonly fingerprint: string;
  /** The release of the cluster that the file is to be merged with; left out = none. */
  readonly release?: ReleaseRequest | undefined;
}

/** A release that is on the disk. */
export interface ReleaseRequest {
  readonly directory: string;
  readonly root: string;
  /** Left out: it runs already, and its limits are not asked again. */
  readonly admission?: AdmissionRequest;
}

export interface AdmissionRequest {
  readonly cluster: string;
  /** Root of what runs; undefined = nothing does. */
  readonly running: string | undefined;
  /** It was good here: the limit on what it removes is not asked. */
  readonly proven: boolean;
  /** Ed25519 key whose signature it must have, base64; undefined = none is needed. */
  readonly trust: string | undefined;
}

/**
 * Paths whose change may change what another program's configuration means: files, also missing ones, and directories. Each with
 * its version (see `pathVersion`) just before it was read.
 */
export type Followed = ReadonlyMap<string, string>;

/** What was read. Left out: the file was refused before its import was looked at. */
interface Read {
  readonly followed?: Followed | undefined;
}

/** A file that was read: what it changes. `plan`: as bytes; left out when nothing differs. */
export interface LoadedPlan extends Read, Pick<PlanDiff, 'same' | 'needsRestart' | 'summary'> {
  readonly plan?: SharedArrayBuffer;
  /** With a release that was admitted. */
  readonly release?: AdmittedRelease;
}

export interface AdmittedRelease {
  /** Services that are added, removed and changed; real servers that are taken out of one. */
  readonly counts: { readonly added: number; readonly removed: number; readonly changed: number; readonly actions: number };
  /** Of the plan without what is this server's own: equal on all servers where the release means the same. */
  readonly planHash: string;
  /** The real servers that it names, sorted, one a line. */
  readonly realServers: string;
}

/** A file that is refused. `mistakes`: one line each; none when it could not be read. */
export interface RefusedPlan extends Read {
  readonly code: ErrorCode;
  readonly refused: string;
  readonly mistakes: readonly string[];
}

export type LoadAnswer = LoadedPlan | RefusedPlan;
