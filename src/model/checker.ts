/**
 * keepalived's checkers as state machines: result after result, what a checker holds of its real server, and how long it waits
 * before the next try. Lanes follow them for the times, the judge for UP and DOWN. Source: keepalived/check/check_*.c of 2.2.7.
 * Pure. The whole memory of a checker is one number, so that there may be millions of them.
 */

/** Checkers that differ in their states: SSL_GET is as HTTP_GET, PING_CHECK as UDP_CHECK. `none`: a real server without one. */
export const CHECKER_KINDS = ['tcp', 'http', 'udp', 'dns', 'smtp', 'misc', 'file', 'none'] as const;
export type CheckerKind = (typeof CHECKER_KINDS)[number];

/** Most pages of a checker. */
export const MOST_URLS = 32;
/** Most further tries. */
export const MOST_RETRIES = 1_000_000;

/** What UP and DOWN depend on. */
export interface CheckerRules {
  readonly kind: CheckerKind;
  /** Further tries while it is up. */
  readonly retry: number;
  /** Down until it has been seen good. */
  readonly alpha: boolean;
  /** Pages of an HTTP_GET, one of which is asked for at a time; else 1. */
  readonly urls: number;
  /** Time in which every checker has had its first result, ms from its start. */
  readonly firstMs: number;
}

/** With what its times depend on, ms. */
export interface CheckerPace extends CheckerRules {
  readonly delayLoop: number;
  readonly delayBeforeRetry: number;
  /** The first check is at a random time in this. */
  readonly warmup: number;
  readonly fastRecovery: boolean;
}

/** BOOTSTRAP_DELAY of lib/scheduler.h. */
export const BOOTSTRAP_MS = 1000;
/** The pause of fast_recovery: keepalived makes none. */
const FAST_MS = 10;

interface Memory {
  up: boolean;
  hasRun: boolean;
  /** `failed_url`: the present page is the one that has failed. */
  failed: boolean;
  url: number;
  retryIt: number;
}

/**
 *     | retryIt: 23 bits | url: 5 bits | failed | hasRun | up | begun |
 */
const BEGUN = 1;
const UP = 2;
const HAS_RUN = 4;
const FAILED = 8;
const URL_AT = 4;
const URL_MASK = MOST_URLS - 1;
const RETRY_AT = 9;

function pack({ up, hasRun, failed, url, retryIt }: Memory): number {
  const flags = BEGUN | (up ? UP : 0) | (hasRun ? HAS_RUN : 0) | (failed ? FAILED : 0);
  return (flags | (url << URL_AT) | (retryIt << RETRY_AT)) >>> 0;
}

/** Checkers for which one failure is enough at first: validate_check_config sets retry_it to retry. */
const AT_ONCE: ReadonlySet<CheckerKind> = new Set(['tcp', 'http', 'udp', 'dns', 'misc']);

/** The memory in a number; of 0 that of a checker that has not begun. */
function unpack(state: number, { kind, alpha, retry }: CheckerRules): Memory {
  if (state === 0) return { up: !alpha, hasRun: false, failed: false, url: 0, retryIt: AT_ONCE.has(kind) ? retry : 0 };
  return {
    up: (state & UP) !== 0,
    hasRun: (state & HAS_RUN) !== 0,
    failed: (state & FAILED) !== 0,
    url: (state >>> URL_AT) & URL_MASK,
    retryIt: state >>> RETRY_AT,
  };
}

type Step = (memory: Memory, rules: CheckerRules, good: boolean) => void;

/** While it is down, or has never been seen up, there are no further tries. */
const whileUp: Step = (m, { retry }, good) => {
  if (!good && (m.up || !m.hasRun) && m.retryIt < retry) m.retryIt++;
  else {
    m.retryIt = 0;
    m.up = good;
  }
  m.hasRun = true;
};

const STEPS: Readonly<Record<CheckerKind, Step>> = {
  /** tcp_epilog: further tries also while it is down. */
  tcp: (m, { retry }, good) => {
    if (good || m.retryIt >= retry) {
      m.retryIt = 0;
      m.up = good;
    } else m.retryIt++;
    m.hasRun = true;
  },
  /**
   * epilog and timeout_epilog of check_http.c: after a failure the page that failed must be good, then every page once; what
   * fails among these is asked for again.
   */
  http: (m, { retry, urls }, good) => {
    if (good) {
      m.retryIt = 0;
      if (m.failed) {
        m.failed = false;
        m.url = 0;
      } else if (m.url < urls - 1) m.url++;
      else {
        m.up = true;
        m.hasRun = true;
        m.url = 0;
      }
      if (!m.hasRun) m.retryIt = retry;
    } else if (m.up || !m.hasRun) {
      m.hasRun = true;
      m.retryIt++;
      if (m.retryIt > retry) {
        m.up = false;
        m.failed = true;
      }
    }
  },
  /** udp_epilog, icmp_epilog. */
  udp: whileUp,
  /** dns_final. */
  dns: whileUp,
  /** smtp_final: further tries always, the first time too, since each beginning forgets those of before. */
  smtp: (m, { retry }, good) => {
    if (!good && m.retryIt < retry) {
      m.retryIt++;
      return;
    }
    m.retryIt = 0;
    m.up = good;
    m.hasRun = true;
  },
  /** misc_check_child_thread. */
  misc: whileUp,
  file: (m, _, good) => {
    m.up = good;
    m.hasRun = true;
  },
  none: (m) => {
    m.up = true;
    m.hasRun = true;
  },
};

/** A checker's memory after one more result. @param state its memory so far; 0: it has not begun */
export function stepChecker(rules: CheckerRules, state: number, good: boolean): number {
  const memory = unpack(state, rules);
  STEPS[rules.kind](memory, rules, good);
  return pack(memory);
}

/** Whether it holds its real server for good; one that has not begun does, but with alpha. */
export function isUp(rules: CheckerRules, state: number): boolean {
  return state === 0 ? !rules.alpha : (state & UP) !== 0;
}

/** Whether what it holds has been seen. */
export function hasRun(state: number): boolean {
  return (state & HAS_RUN) !== 0;
}

/** The page it asks for next, 0 the first. */
export function urlOf(state: number): number {
  return (state >>> URL_AT) & URL_MASK;
}

/**
 * Time until the next try, ms: from the end of the check, of a script from its start.
 * @param state its memory after a result that said `good`
 */
export function delayAfter(pace: CheckerPace, state: number, good: boolean): number {
  const { kind, delayLoop, delayBeforeRetry, fastRecovery } = pace;
  const { up, hasRun: ran, failed, retryIt } = unpack(state, pace);
  if (kind !== 'http') return retryIt > 0 ? delayBeforeRetry : delayLoop;
  // Where keepalived asks again at once also after a failure, it would not do anything else.
  if (good && fastRecovery && (!ran || (!up && !failed))) return FAST_MS;
  if (good) return delayLoop;
  return failed ? Math.max(delayBeforeRetry, delayLoop) : delayBeforeRetry;
}

/** Time until the first check, ms. @param random 0 ≤ random < 1 */
export function firstDelay({ warmup }: CheckerPace, random: number): number {
  return BOOTSTRAP_MS + random * warmup;
}
