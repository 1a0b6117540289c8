import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Shares } from '../../src/collect/share.ts';

test('a shared thing is made once, and closed after its last user', () => {
  const shares = new Shares();
  let made = 0;
  let closed = 0;
  const make = () => {
    made++;
    return { close: () => void closed++ };
  };
  const a = shares.take('x', make);
  const b = shares.take('x', make);
  assert.equal(a.value, b.value);
  a.release();
  a.release();
  assert.equal(closed, 0, 'giving it back twice counts once');
  b.release();
  assert.equal(closed, 1);
  assert.notEqual(shares.take('x', make).value, a.value);
  assert.equal(made, 2);
});
