/** The checkers as state machines: by hand, and against their C code, written down line by line, over random histories. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CheckerKind,
  type CheckerPace,
  delayAfter,
  firstDelay,
  hasRun,
  isUp,
  stepChecker,
  urlOf,
} from '../../src/model/checker.ts';
import { randomFrom } from '../judge/world.ts';

const LOOP = 10_000;
const RETRY = 1000;
const pace = (kind: CheckerKind, own: Partial<CheckerPace> = {}): CheckerPace => ({
  kind,
  retry: 1,
  alpha: false,
  urls: 1,
  firstMs: 0,
  delayLoop: LOOP,
  delayBeforeRetry: RETRY,
  warmup: LOOP,
  fastRecovery: false,
  ...own,
});

/** What follows from results, good `1` or bad `0`: U up, D down (small: not seen yet), and r where the next try comes soon. */
function trace(checker: CheckerPace, results: string): string {
  let state = 0;
  return results
    .split('')
    .map((result) => {
      state = stepChecker(checker, state, result === '1');
      const letter = isUp(checker, state) ? 'U' : 'D';
      return (hasRun(state) ? letter : letter.toLowerCase()) + (delayAfter(checker, state, result === '1') === LOOP ? '' : 'r');
    })
    .join(' ');
}

describe('each checker', () => {
  const cases: readonly (readonly [what: string, checker: CheckerPace, results: string, expected: string])[] = [
    ['TCP: one failure at first, then retry + 1', pace('tcp'), '01001', 'D U Ur D U'],
    ['TCP: further tries while it is down', pace('tcp'), '100000', 'U Ur D Dr D Dr'],
    ['TCP: a good one between forgets', pace('tcp'), '10101', 'U Ur U Ur U'],
    ['TCP: none without retry', pace('tcp', { retry: 0 }), '1010', 'U D U D'],
    ['UDP and PING: no further tries while it is down', pace('udp', { retry: 2 }), '10000001', 'U Ur Ur D D D D U'],
    ['DNS: likewise', pace('dns', { retry: 3 }), '100000', 'U Ur Ur Ur D D'],
    ['SMTP: further tries the first time too', pace('smtp'), '00001', 'ur D Dr D U'],
    ['MISC: none unless asked for', pace('misc', { retry: 0 }), '1001', 'U D D U'],
    ['MISC with retry', pace('misc', { retry: 2 }), '10001', 'U Ur Ur D U'],
    ['HTTP of one page: two good rounds for a rise', pace('http'), '1001111', 'U Ur D D U U U'],
    ['HTTP: what fails between the two is asked for soon and forgets nothing', pace('http'), '100101', 'U Ur D D Dr U'],
    ['HTTP of two pages: the one that failed, then both', pace('http', { urls: 2 }), '1100111', 'u U Ur D D D U'],
    ['HTTP of two pages: one failure while not all have been seen', pace('http', { urls: 2 }), '10', 'u D'],
    ['FILE: at once', pace('file', { retry: 5 }), '0101', 'D U D U'],
    ['none: never down', pace('none'), '0000', 'U U U U'],
  ];
  for (const [what, checker, results, expected] of cases) it(what, () => assert.equal(trace(checker, results), expected));

  it('alpha is down until the first good result, of HTTP until all pages are good', () => {
    for (const kind of ['tcp', 'udp', 'dns', 'smtp', 'misc'] as const) {
      const checker = pace(kind, { alpha: true });
      assert.equal(isUp(checker, 0), false);
      assert.ok(isUp(checker, stepChecker(checker, 0, true)), kind);
      assert.ok(!isUp(checker, stepChecker(checker, 0, false)), kind);
    }
    assert.equal(trace(pace('http', { alpha: true, urls: 3 }), '111'), 'd d U');
    assert.equal(trace(pace('http', { alpha: true }), '011'), 'D D U');
  });

  it('HTTP asks for one page at a time, and again for the one that failed', () => {
    const checker = pace('http', { urls: 3 });
    let state = 0;
    const asked = '11101001111'.split('').map((result) => {
      const url = urlOf(state);
      state = stepChecker(checker, state, result === '1');
      return url;
    });
    assert.deepEqual(asked, [0, 1, 2, 0, 0, 1, 1, 1, 0, 1, 2]);
  });

  it('fast_recovery asks for the rest at once; after a failure there is a pause', () => {
    const checker = pace('http', { fastRecovery: true });
    let state = 0;
    const delays = '1001011'.split('').map((result) => {
      state = stepChecker(checker, state, result === '1');
      return delayAfter(checker, state, result === '1');
    });
    assert.deepEqual(delays, [LOOP, RETRY, LOOP, 10, RETRY, LOOP, LOOP]);
  });

  it('HTTP waits the longer of the two times while a page has failed', () => {
    const checker = pace('http', { retry: 0, delayBeforeRetry: 3 * LOOP });
    assert.equal(delayAfter(checker, stepChecker(checker, 0, false), false), 3 * LOOP);
  });

  it('the first check comes within a second and the warmup', () => {
    assert.deepEqual(
      [0, 0.5].map((random) => firstDelay(pace('tcp'), random)),
      [1000, 6000],
    );
    assert.equal(firstDelay(pace('tcp', { warmup: 0 }), 0.9), 1000);
  });
});

/** A checker_t as in the C code; `upTo` is what update_svr_checker_state has made of it, `delay` what its timer is set to. */
class Written {
  up: boolean;
  hasRun = false;
  retryIt: number;
  delay = -1;
  #url = 0;
  #failed: number | undefined;
  readonly #c: CheckerPace;

  constructor(c: CheckerPace) {
    this.#c = c;
    this.up = !c.alpha;
    this.retryIt = c.retry;
    if (c.kind === 'smtp') this.retryIt = 0;
  }

  result(good: boolean): void {
    const { kind } = this.#c;
    if (kind === 'tcp') this.#tcp(good);
    else if (kind === 'udp') this.#icmp(good);
    else if (kind === 'dns') this.#dns(good);
    else if (kind === 'smtp') this.#smtp(good);
    else if (kind === 'misc') this.#misc(good);
    else if (good) this.#http('new');
    else if (this.up || !this.hasRun) {
      this.hasRun = true;
      this.#http('retry');
    } else this.#http('failed');
  }

  #update(alive: boolean): void {
    this.hasRun = true;
    this.up = alive;
  }

  #tcp(good: boolean): void {
    const { retry, delayLoop, delayBeforeRetry } = this.#c;
    if (good || this.retryIt >= retry) {
      this.delay = delayLoop;
      this.retryIt = 0;
      if (good && (!this.up || !this.hasRun)) this.#update(true);
      else if (!good && (this.up || !this.hasRun)) this.#update(false);
    } else {
      this.delay = delayBeforeRetry;
      ++this.retryIt;
    }
    this.hasRun = true;
  }

  #icmp(good: boolean): void {
    const { retry, delayLoop, delayBeforeRetry } = this.#c;
    this.delay = delayLoop;
    if (good || ((this.up || !this.hasRun) && this.retryIt >= retry)) {
      this.retryIt = 0;
      if (good && (!this.up || !this.hasRun)) this.#update(true);
      else if (!good && (this.up || !this.hasRun)) this.#update(false);
    } else if (this.up) {
      this.delay = delayBeforeRetry;
      ++this.retryIt;
    }
    this.hasRun = true;
  }

  #dns(good: boolean): void {
    if (!good) {
      if (this.up || !this.hasRun) {
        if (this.retryIt < this.#c.retry) {
          this.retryIt++;
          this.hasRun = true;
          this.delay = this.#c.delayBeforeRetry;
          return;
        }
        this.#update(false);
      }
    } else if (!this.up || !this.hasRun) this.#update(true);
    this.retryIt = 0;
    this.delay = this.#c.delayLoop;
  }

  #smtp(good: boolean): void {
    if (!good) {
      if (++this.retryIt <= this.#c.retry) {
        this.delay = this.#c.delayBeforeRetry;
        return;
      }
      if (this.up || !this.hasRun) this.#update(false);
    } else {
      if (!this.up || !this.hasRun) this.#update(true);
      this.hasRun = true;
    }
    this.delay = this.#c.delayLoop;
    // smtp_start_check_thread
    this.retryIt = 0;
  }

  #misc(good: boolean): void {
    let ended: boolean | undefined;
    if (good) {
      if (!this.up || !this.hasRun) ended = true;
      this.retryIt = 0;
    } else if (this.up || !this.hasRun) {
      if (this.retryIt < this.#c.retry) this.retryIt++;
      else {
        this.retryIt = 0;
        ended = false;
      }
    }
    if (ended !== undefined) this.#update(ended);
    this.delay = this.retryIt > 0 ? this.#c.delayBeforeRetry : this.#c.delayLoop;
    this.hasRun = true;
  }

  #http(method: 'new' | 'retry' | 'failed'): void {
    const { retry, urls, delayLoop, delayBeforeRetry } = this.#c;
    let url: number | undefined = this.#url;
    if (method === 'new') {
      url = url === urls - 1 ? undefined : url + 1;
      this.retryIt = 0;
    } else if (method === 'retry') this.retryIt++;
    if (method === 'new' && url === undefined && this.#failed === undefined) {
      if (!this.up || !this.hasRun) this.#update(true);
      url = 0;
      this.retryIt = 0;
    } else if (method === 'retry' && this.retryIt > retry) {
      if (this.up || !this.hasRun) this.#update(false);
      this.#failed = url;
    } else if (method === 'new' && this.#failed !== undefined) {
      this.#failed = undefined;
      url = 0;
      this.retryIt = 0;
    }
    if (method === 'new') {
      this.delay = delayLoop;
      if (!this.hasRun) this.retryIt = retry;
    } else if (this.#failed !== undefined) this.delay = Math.max(delayBeforeRetry, delayLoop);
    else this.delay = delayBeforeRetry;
    this.#url = url!;
  }
}

it('100 000 random histories end as those of the C code, step by step', () => {
  const random = randomFrom(20_261_128);
  const kinds = ['tcp', 'http', 'udp', 'dns', 'smtp', 'misc'] as const;
  const seen = new Map<string, number>();
  for (let history = 0; history < 100_000; history++) {
    const kind = kinds[history % kinds.length]!;
    const checker = pace(kind, {
      retry: Math.floor(random() * 4),
      alpha: random() < 0.3,
      urls: kind === 'http' ? 1 + Math.floor(random() * 3) : 1,
      delayBeforeRetry: random() < 0.2 ? 2 * LOOP : RETRY,
    });
    const written = new Written(checker);
    let state = 0;
    const share = random();
    for (let step = 0; step < 12; step++) {
      const good = random() < share;
      const before = isUp(checker, state);
      state = stepChecker(checker, state, good);
      written.result(good);
      const delay = delayAfter(checker, state, good);
      if (isUp(checker, state) !== written.up || hasRun(state) !== written.hasRun || delay !== written.delay)
        assert.fail(`history ${history}, step ${step} of ${JSON.stringify(checker)}`);
      if (before !== written.up) seen.set(`${kind} ${written.up}`, (seen.get(`${kind} ${written.up}`) ?? 0) + 1);
    }
  }
  for (const kind of kinds) for (const up of [true, false]) assert.ok(seen.get(`${kind} ${up}`)! > 1000, `${kind} ${up}`);
});
