/**
 * The codec: what etcd writes is read, what is no message is refused, and what is written is what etcd's .proto files ask for.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decode, type Field, idOf, numberOf, WireError } from '../../src/cluster/wire/decode.ts';
import { encode } from '../../src/cluster/wire/encode.ts';
import { prefixRange, rangeRequest, readKeyValue, readRange } from '../../src/cluster/wire/kv.ts';
import { readLease } from '../../src/cluster/wire/lease.ts';
import { readMembers, readStatus } from '../../src/cluster/wire/members.ts';
import { readTxn, txnRequest } from '../../src/cluster/wire/txn.ts';
import { readWatch, watchRequest } from '../../src/cluster/wire/watch.ts';

const fieldsOf = (bytes: Buffer) => {
  const fields: [number, Field][] = [];
  decode(bytes, (number, value) => fields.push([number, value]));
  return fields;
};
const header = encode({ 1: 2n ** 63n + 5n, 2: 7, 3: 81_234, 4: 3 });

describe('fields', () => {
  it('come back as they were written: small and large numbers, text, bytes, lists', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array(),
        fc.array(fc.nat(2 ** 31 - 1)),
        (big, text, bytes, numbers) => {
          const fields = fieldsOf(encode({ 1: big, 2: text, 16: bytes, 3: numbers, 4: undefined, 2047: true }));
          assert.deepEqual(
            fields.map(([number]) => number),
            [1, 2, ...numbers.map(() => 3), 16, 2047],
          );
          assert.equal(idOf(fields[0]![1]), big);
          assert.equal((fields[1]![1] as Buffer).toString(), text);
          assert.deepEqual(
            fields.filter(([n]) => n === 3).map(([, v]) => v),
            numbers,
          );
          assert.deepEqual(Uint8Array.from(fields.at(-2)![1] as Buffer), bytes);
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });

  it('of any bytes are read or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          readWatch(Buffer.from(bytes));
          readTxn(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }),
      { numRuns: 3000, seed: 2 },
    );
  });

  it('refuse what is cut off, too long, or of the wrong kind', () => {
    const whole = encode({ 1: 'four', 2: 1n << 62n });
    for (let length = 1; length < whole.length; length++)
      if (length !== 6) assert.throws(() => fieldsOf(whole.subarray(0, length)), WireError, `${length} bytes`);
    assert.throws(() => fieldsOf(Buffer.from('08ffffffffffffffffffff01', 'hex')), /more than 64 bits/);
    assert.throws(() => fieldsOf(Buffer.from('0b', 'hex')), /unknown kind 3/);
    assert.throws(() => readRange(encode({ 1: 5 })), /bytes are expected/);
    assert.throws(() => readLease(encode({ 3: 'x' })), /number is expected/);
    assert.deepEqual(fieldsOf(Buffer.from('0d0102030409010203040506070810 01'.replace(' ', ''), 'hex')), [[2, 1]]);
  });

  it('negative numbers are those of int64', () => {
    assert.equal(numberOf(fieldsOf(encode({ 2: -1 }))[0]![1]), -1);
  });
});

describe('messages', () => {
  it('requests have the field numbers of rpc.proto', () => {
    const range = rangeRequest(prefixRange('/a/'), { limit: 5, revision: 9, serializable: true });
    assert.equal(range.toString('hex'), '0a032f612f12032f613018052009' + '3801');
    assert.equal(rangeRequest({ key: 'k' }).toString('hex'), '0a016b');
    const watch = watchRequest(2, { key: 'k' }, 10);
    assert.equal(watch.toString('hex'), '0a0b0a016b180a200138024001');
    const txn = txnRequest({
      compare: [
        { key: 'k', mod: 3 },
        { key: 'n', create: 0 },
      ],
      operations: [{ op: 'put', key: 'k', value: 'v', lease: 7n }],
    });
    const [first, second, put] = fieldsOf(txn).map(([, value]) => fieldsOf(value as Buffer));
    assert.deepEqual(first, [
      [1, 0],
      [2, 2],
      [3, Buffer.from('k')],
      [6, 3],
    ]);
    assert.deepEqual(second, [
      [1, 0],
      [2, 1],
      [3, Buffer.from('n')],
      [5, 0],
    ]);
    assert.deepEqual(fieldsOf(put![0]![1] as Buffer), [
      [1, Buffer.from('k')],
      [2, Buffer.from('v')],
      [3, 7],
    ]);
  });

  it('a prefix ends before the first key that does not begin with it', () => {
    assert.deepEqual(prefixRange('/a/').end, Buffer.from('/a0'));
    assert.deepEqual(prefixRange('').end, Buffer.from([0]));
    assert.deepEqual(prefixRange('\u{10ffff}').end, Buffer.from([0xf4, 0x8f, 0xbf, 0xc0]));
  });

  it('answers are read', () => {
    const kv = encode({ 1: 'key', 2: 4, 3: 81_000, 4: 2, 5: 'value', 6: 2n ** 62n });
    const item = { key: 'key', value: Buffer.from('value'), created: 4, modified: 81_000, version: 2, lease: 2n ** 62n };
    const read = { cluster: 2n ** 63n + 5n, member: 7n, revision: 81_234, term: 3 };
    assert.deepEqual(readKeyValue(kv), item);
    const range = encode({ 1: header, 2: [kv], 3: true, 4: 12 });
    assert.deepEqual(readRange(range), { header: read, items: [item], more: true, count: 12 });
    assert.deepEqual(readTxn(encode({ 1: header, 2: true, 3: [encode({ 1: range }), encode({ 2: encode({ 1: header }) })] })), {
      header: read,
      succeeded: true,
      ranges: [readRange(range)],
    });
    const watch = encode({
      1: header,
      2: -1,
      4: true,
      5: 77,
      6: 'why',
      7: true,
      11: [encode({ 2: kv }), encode({ 1: 1, 2: kv })],
    });
    assert.deepEqual(readWatch(watch), {
      header: read,
      id: -1,
      created: false,
      canceled: true,
      compacted: 77,
      reason: 'why',
      fragment: true,
      events: [
        { deleted: false, kv: item },
        { deleted: true, kv: item },
      ],
    });
    assert.deepEqual(readLease(encode({ 1: header, 2: 9, 3: 15 })), { header: read, id: 9n, ttl: 15, error: '' });
    const member = encode({ 1: 3, 2: 'm1', 3: ['https://a:2380'], 4: ['https://a:2379', 'https://b:2379'] });
    assert.deepEqual(readMembers(encode({ 1: header, 2: [member] })), [
      { id: 3n, name: 'm1', peerUrls: ['https://a:2380'], clientUrls: ['https://a:2379', 'https://b:2379'] },
    ]);
    assert.deepEqual(readStatus(encode({ 1: header, 2: '3.5.33', 3: 4096, 4: 5 })), {
      version: '3.5.33',
      dbSize: 4096,
      leader: 5n,
    });
  });
});
