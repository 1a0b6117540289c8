import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check, Examination, Finding } from '../../src/doctor/check.ts';
import { count, examine } from '../../src/doctor/run.ts';
import { fakeHost } from './fake-host.ts';

const check = (name: string, run: Check['run'], roles: Check['roles'] = ['load-balancer']): Check => ({
  name,
  roles,
  summary: 's',
  run,
});
const make = (signal: AbortSignal): Examination => ({ role: 'load-balancer', config: {}, vips: [], host: fakeHost(), signal });
const ok = (message: string): readonly Finding[] => [{ outcome: 'ok', message }];

describe('examine', () => {
  it('keeps the order of the list, whoever is first', async () => {
    let later = () => {};
    const results = await examine(
      [
        check('a', async () => {
          await new Promise<void>((resolve) => (later = resolve));
          return ok('slow');
        }),
        check('b', async () => {
          later();
          return ok('quick');
        }),
      ],
      make,
      { limitMs: 5000 },
    );
    assert.deepEqual(results, [
      { check: 'a', outcome: 'ok', message: 'slow' },
      { check: 'b', outcome: 'ok', message: 'quick' },
    ]);
  });

  it('a check that throws, or is late, fails by itself', async () => {
    let aborted = false;
    const results = await examine(
      [
        check('throws', () => Promise.reject(new Error('the program ip is not installed'))),
        check('hangs', ({ signal }) => {
          signal.addEventListener('abort', () => (aborted = true));
          return new Promise(() => undefined);
        }),
        check('other role', () => Promise.resolve(ok('no')), ['real-server']),
        check('well', () => Promise.resolve(ok('yes'))),
      ],
      make,
      { limitMs: 20 },
    );
    assert.deepEqual(
      results.map((r) => `${r.check}: ${r.outcome} ${r.message}`),
      [
        'throws: fail could not be checked: the program ip is not installed',
        'hangs: fail no answer within 20 ms',
        'well: ok yes',
      ],
    );
    assert.equal(aborted, true);
    assert.deepEqual(count(results), { ok: 1, warn: 0, fail: 2, skipped: 0 });
  });
});
