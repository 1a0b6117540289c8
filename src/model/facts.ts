/** Evidence handed to one judge pass: everything observed since the last one, in the order observed. Times are ms of one monotonic clock. */

import type { ProbeResult } from './outcome.ts';

/** Probe results as parallel columns (no object per probe). Entries 0..count-1 are valid; arrays are reused between passes. */
export interface ResultBatch {
  count: number;
  /** Index of the NIC. */
  nic: Int32Array;
  /** Index of the real server (judge column), or -(anchor index + 1) for an anchor of that NIC. */
  target: Int32Array;
  outcome: Uint8Array;
  phase: Uint8Array;
  cause: Uint8Array;
  detail: Int32Array;
  rttUs: Uint32Array;
  elapsedUs: Uint32Array;
  /** When the probe ended. */
  t: Float64Array;
}

/** A link observation: carrier 1/0 (0 also when administratively down or the interface is gone). */
export interface LinkFact {
  readonly t: number;
  readonly nic: number;
  readonly carrier: 0 | 1;
}

/** What the data plane behind a NIC shows (R11). */
export interface DataplaneFact {
  readonly t: number;
  readonly nic: number;
  readonly rxPps: number;
  readonly txPps: number;
  /** SYN → ESTABLISHED ratio 0–1. */
  readonly synEstablishedRatio: number;
}

export interface Facts {
  readonly results: ResultBatch;
  readonly links: readonly LinkFact[];
  readonly dataplane: readonly DataplaneFact[];
  /** 0 = the fleet's semaphore lets no further NIC be disabled, except one without carrier. Left out = no semaphore. */
  readonly permit?: 0 | 1;
}

/** Appends one result. @returns the batch, or a larger one with the same results when it was full */
export function append(batch: ResultBatch, nic: number, target: number, r: ProbeResult & { readonly t: number }): ResultBatch {
  const into = batch.count < batch.nic.length ? batch : larger(batch);
  const i = into.count++;
  into.nic[i] = nic;
  into.target[i] = target;
  into.outcome[i] = r.outcome;
  into.phase[i] = r.phase;
  into.cause[i] = r.cause;
  into.detail[i] = r.detail;
  into.rttUs[i] = r.rttUs;
  into.elapsedUs[i] = r.elapsedUs;
  into.t[i] = r.t;
  return into;
}

function larger(old: ResultBatch): ResultBatch {
  const made = newBatch(Math.max(64, old.nic.length * 2));
  made.count = old.count;
  for (const column of ['nic', 'target', 'outcome', 'phase', 'cause', 'detail', 'rttUs', 'elapsedUs', 't'] as const) {
    made[column].set(old[column] as never);
  }
  return made;
}

/** An empty batch that can hold `capacity` results. */
export function newBatch(capacity: number): ResultBatch {
  return {
    count: 0,
    nic: new Int32Array(capacity),
    target: new Int32Array(capacity),
    outcome: new Uint8Array(capacity),
    phase: new Uint8Array(capacity),
    cause: new Uint8Array(capacity),
    detail: new Int32Array(capacity),
    rttUs: new Uint32Array(capacity),
    elapsedUs: new Uint32Array(capacity),
    t: new Float64Array(capacity),
  };
}
