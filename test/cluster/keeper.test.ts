/** The lease as a state: what is done next after each thing that can happen to it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Keeper, type Step } from '../../src/cluster/lease/keeper.ts';

const TIMES = { renewMs: 5000, retryMs: 300, lastingMs: 10_000 };
const VALUE = Buffer.from('here');
const written = (key: string, lease: bigint, modified: number) => [{ key, value: VALUE, modified, created: 1, lease }];
const gone = (key: string, modified: number) => [{ key, value: undefined, modified, created: 0, lease: 0n }];

function held(): Keeper {
  const keeper = new Keeper(TIMES);
  keeper.set('member/lb-01', VALUE);
  keeper.granted(7n, 0);
  const step = keeper.next(0) as Extract<Step, { do: 'put' }>;
  keeper.put(step.keys, 100);
  return keeper;
}

describe('a lease', () => {
  it('is granted when there is a key, renewed each third of its life, and has all keys put under it', () => {
    const keeper = new Keeper(TIMES);
    assert.deepEqual(keeper.next(0), { do: 'wait', until: Infinity });
    keeper.set('member/lb-01', VALUE);
    assert.deepEqual(keeper.next(0), { do: 'grant' });
    keeper.granted(7n, 0);
    const put = keeper.next(0);
    assert.deepEqual(put, { do: 'put', lease: 7n, keys: [{ key: 'member/lb-01', value: VALUE }] });
    assert.equal(keeper.complete, false);
    keeper.put((put as Extract<Step, { do: 'put' }>).keys, 100);
    assert.equal(keeper.complete, true);
    assert.deepEqual(keeper.next(4999), { do: 'wait', until: 5000 });
    assert.deepEqual(keeper.next(5000), { do: 'renew', lease: 7n });
    keeper.renewed(15, 5000);
    assert.deepEqual(keeper.next(5001), { do: 'wait', until: 10_000 });
  });

  it('keeps the keys that may be there when etcd refuses another one', () => {
    const keeper = new Keeper(TIMES);
    for (const key of ['member/lb-01', 'evidence/9/lb-01']) keeper.set(key, VALUE);
    keeper.granted(7n, 0);
    const puts = () => keeper.next(0) as Extract<Step, { do: 'put' }>;
    const both = puts();
    assert.equal(both.keys.length, 2);
    keeper.failed(both, true, 0);
    const one = puts();
    assert.deepEqual(
      one.keys.map(({ key }) => key),
      ['member/lb-01'],
    );
    keeper.put(one.keys, 100);
    const other = puts();
    assert.deepEqual(
      other.keys.map(({ key }) => key),
      ['evidence/9/lb-01'],
    );
    keeper.failed(other, true, 0);
    assert.deepEqual(keeper.next(0), { do: 'wait', until: 5000 });
    keeper.set('member/lb-01', Buffer.from('anew'));
    assert.deepEqual(
      puts().keys.map(({ key }) => key),
      ['member/lb-01'],
      'it is not waited for',
    );
    keeper.put(puts().keys, 101);
    assert.equal(keeper.complete, false);
    keeper.renewed(15, 9000);
    const again = keeper.next(10_000) as Extract<Step, { do: 'put' }>;
    keeper.put(again.keys, 102);
    assert.equal(keeper.complete, true);
  });

  it('that etcd no longer has is never tried again: a new one, and every key again', () => {
    const keeper = held();
    keeper.renewed(0, 5000);
    assert.deepEqual(keeper.next(5000), { do: 'grant' });
    keeper.granted(8n, 5000);
    assert.deepEqual(keeper.next(5000), { do: 'put', lease: 8n, keys: [{ key: 'member/lb-01', value: VALUE }] });
    assert.equal(keeper.lost, 1);
  });

  it('is replaced when its key vanished although each renewal was answered', () => {
    const keeper = held();
    keeper.observed(gone('member/lb-01', 90));
    assert.equal(keeper.complete, true, 'that was before our put');
    keeper.observed(gone('member/lb-01', 120));
    assert.deepEqual(keeper.next(1), { do: 'grant' });
  });

  it('is renewed on time while writing fails, and writing is tried again after a pause', () => {
    const keeper = held();
    keeper.set('evidence/0/lb-01', VALUE);
    const put = keeper.next(1000);
    assert.equal(put.do, 'put');
    keeper.failed(put, true, 1000);
    assert.deepEqual(keeper.next(1001), { do: 'wait', until: 5000 });
    assert.equal(keeper.next(5000).do, 'renew');
    keeper.failed({ do: 'renew', lease: 7n }, false, 5000);
    assert.deepEqual(keeper.next(5001), { do: 'wait', until: 5300 });
    keeper.renewed(15, 5300);
    assert.equal(keeper.next(11_000).do, 'renew');
    keeper.renewed(15, 11_000);
    assert.equal(keeper.next(11_001).do, 'put');
  });

  it('a value that was set while the one before was under way is put too', () => {
    const keeper = held();
    keeper.set('member/lb-01', Buffer.from('ready'));
    const step = keeper.next(1) as Extract<Step, { do: 'put' }>;
    keeper.set('member/lb-01', Buffer.from('gone home'));
    keeper.put(step.keys, 101);
    assert.equal(keeper.next(2).do, 'put');
  });

  it('an older value that a member writes late, after the newer one, is put right', () => {
    const keeper = held();
    keeper.set('member/lb-01', Buffer.from('ready'));
    const late = keeper.next(1) as Extract<Step, { do: 'put' }>;
    keeper.failed(late, false, 1);
    keeper.set('member/lb-01', Buffer.from('in service'));
    const newer = keeper.next(301) as Extract<Step, { do: 'put' }>;
    keeper.put(newer.keys, 110);
    const change = (value: Uint8Array, modified: number) => [{ key: 'member/lb-01', value, modified, created: 1, lease: 7n }];
    keeper.observed(change(late.keys[0]!.value, 105));
    keeper.observed(change(newer.keys[0]!.value, 110));
    assert.equal(keeper.complete, true, 'the newer one was the last');
    keeper.observed(change(late.keys[0]!.value, 111));
    const again = keeper.next(302) as Extract<Step, { do: 'put' }>;
    assert.deepEqual(again, { do: 'put', lease: 7n, keys: newer.keys });
    keeper.put(again.keys, 112);
    keeper.observed(change(newer.keys[0]!.value, 112));
    assert.deepEqual([keeper.complete, keeper.contested()], [true, []]);
  });

  it('another agent with our name is left the key until it vanishes, and is named', () => {
    const keeper = held();
    keeper.observed(written('member/lb-01', 7n, 130));
    assert.deepEqual(keeper.contested(), [], 'that was ourselves');
    keeper.observed(written('member/lb-01', 99n, 140));
    assert.deepEqual([keeper.contested(), keeper.complete], [['member/lb-01'], false]);
    assert.equal(keeper.next(10).do, 'wait');
    keeper.observed(gone('member/lb-01', 150));
    assert.deepEqual(keeper.next(11), { do: 'put', lease: 7n, keys: [{ key: 'member/lb-01', value: VALUE }] });
  });

  it('a key that is no longer wanted is not put', () => {
    const keeper = held();
    keeper.set('evidence/0/lb-01', VALUE);
    keeper.unset('evidence/0/lb-01');
    assert.equal(keeper.next(1).do, 'wait');
  });
});
