/** Times and states of a translated check as keepalived has them: `semantics: keepalived`. */
import { BOOTSTRAP_MS, type CheckerKind, type CheckerPace, MOST_RETRIES } from '../../model/checker.ts';
import type { Timing } from '../config/lvs.ts';
import type { Profile } from './timing.ts';

/** Times that a check of keepalived's has in place of its own, ms. */
export interface Paced {
  readonly interval: number;
  readonly timeout: number;
  readonly fall: number;
  readonly rise: number;
  readonly checker: CheckerPace;
}

/** By our kind of check. */
const KIND: Readonly<Record<string, CheckerKind>> = {
  tcp: 'tcp',
  http: 'http',
  ssl: 'http',
  smtp: 'smtp',
  dns: 'dns',
  udp: 'udp',
  ping: 'udp',
  exec: 'misc',
  file: 'file',
};

/** Shortest pause between two checks: what is shorter costs more than it tells. */
const SHORTEST_MS = 100;
const LONGEST_MS = 3_600_000;
/** keepalived follows a file as it changes: it is read this often. */
const FILE_MS = 1000;
/** What a first check may be late by. */
const SLACK_MS = 500;
/** Most results in a row until the link of a cell is called bad. */
const MOST_FALL = 10;

const milliseconds = (seconds: number, least = SHORTEST_MS) => Math.round(Math.min(Math.max(seconds * 1000, least), LONGEST_MS));

/** What stands in the block of a checker besides its times. */
export interface Options {
  readonly fastRecovery: boolean;
  /** Longest time of a script, s. */
  readonly scriptTimeout: number;
  /** The real server has no checker: it is never down. */
  readonly never?: boolean;
}

/** The times of a check. @param profile as it is translated without them */
export function paceOf({ type, urls }: Profile, timing: Timing, { fastRecovery, scriptTimeout, never = false }: Options): Paced {
  const kind = never ? 'none' : KIND[type]!;
  const isFile = kind === 'file';
  const delayLoop = isFile ? FILE_MS : milliseconds(timing.delayLoop);
  const delayBeforeRetry = isFile ? FILE_MS : milliseconds(timing.delayBeforeRetry);
  const timeout = kind === 'misc' ? milliseconds(scriptTimeout) : milliseconds(timing.connectTimeout, 10);
  const warmup = isFile ? 0 : milliseconds(timing.warmup, 0);
  const retry = isFile ? 0 : Math.min(timing.retry, MOST_RETRIES);
  const firstMs = BOOTSTRAP_MS + warmup + timeout + SLACK_MS;
  const pages = Array.isArray(urls) ? urls.length : 1;
  return {
    interval: Math.max(delayLoop, delayBeforeRetry),
    timeout,
    fall: Math.min(retry + 1, MOST_FALL),
    rise: 1,
    checker: {
      kind,
      retry,
      alpha: !never && timing.alpha,
      urls: pages,
      firstMs,
      delayLoop,
      delayBeforeRetry,
      warmup,
      fastRecovery,
    },
  };
}
