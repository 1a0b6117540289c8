import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox } from '../../src/lanes/inbox.ts';

test('views have the length that is asked for, and show what was read last', () => {
  const inbox = new Inbox();
  for (const length of [0, 3, 3, 259, 3, 515, 65_536, 256, 0]) {
    inbox.bytes.fill(length % 251);
    const view = inbox.first(length);
    assert.equal(view.length, length);
    assert.ok(view.every((byte) => byte === length % 251));
  }
  assert.equal(inbox.first(100), inbox.first(100));
});
