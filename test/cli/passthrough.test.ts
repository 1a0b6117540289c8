/** What answers of real servers say of how they get the address of the client. The whole: test/system/proxy-protocol.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, judgeCheck, judgeEcho, judgeListener } from '../../src/cli/passthrough/judge.ts';
import { passthroughCommand } from '../../src/cli/passthrough.ts';
import type { CheckProfile, Passthrough } from '../../src/model/plan.ts';

const V2: Passthrough = { mode: 'proxy-v2' };
const NONE: Passthrough = { mode: 'none' };
const check = (part: object) => ({ type: 'http', interval: 1000, timeout: 500, fall: 3, rise: 2, ...part }) as CheckProfile;

describe('passthrough', () => {
  it('P0: a check sends what the service declares', () => {
    const sends = check({ proxyProtocol: { version: 'v2', as: 'local' } });
    const oks = (passthrough: Passthrough) =>
      [sends, check({}), check({ type: 'tcp' })].map((c) => judgeCheck(passthrough, c).ok);
    assert.deepEqual(oks(V2), [true, false, true]);
    assert.deepEqual(oks(NONE), [false, true, true]);
    assert.equal(judgeCheck(V2, check({ type: 'tcp', expect: 'x' })).ok, false);
    assert.match(judgeCheck(V2, check({})).found, /write proxyProtocol: v2/);
  });

  it('P1: a listener takes the header, and nothing without it', () => {
    const ok = (passthrough: Passthrough, bare: Answer, headed?: Answer) => judgeListener(passthrough, bare, headed).ok;
    assert.deepEqual(
      [ok(V2, 'closed', 'answered'), ok(V2, 'bad_request', 'answered'), ok(NONE, 'answered'), ok(NONE, 'bad_request')],
      [true, true, true, true],
    );
    assert.deepEqual(
      [ok(V2, 'answered', 'bad_request'), ok(V2, 'answered', 'answered'), ok(V2, 'closed', 'closed'), ok(NONE, 'closed')],
      [false, false, false, false],
    );
    assert.match(judgeListener(V2, 'unreachable', 'unreachable').found, /does not answer at all/);
  });

  it('P2: only the address of the client will do', () => {
    assert.deepEqual(
      (['client', 'own', 'empty', 'other', 'refused'] as const).map((echo) => judgeEcho(echo).ok),
      [true, false, false, false, false],
    );
  });

  it('needs a configuration', async () => {
    await assert.rejects(passthroughCommand([]), /name --config FILE/);
  });
});
