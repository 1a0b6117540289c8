import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calendar } from '../../src/daemon/calendar.ts';

const last = (cron: string, zone: string, now: string) => {
  // A part of the time is looked at in one call.
  for (let k = 0; k < 300; k++) {
    const found = calendar.lastBefore(cron, zone, Date.parse(now));
    if (found !== undefined) return new Date(found).toISOString();
  }
  return undefined;
};

test('the last time that an expression named, in its zone; none that is long ago or can not be read', () => {
  assert.equal(last('*/5 * * * *', 'UTC', '2026-11-28T12:03:30Z'), '2026-11-28T12:00:00.000Z');
  assert.equal(last('30 2 * * *', 'Europe/Berlin', '2026-11-28T12:00:00Z'), '2026-11-28T01:30:00.000Z');
  assert.equal(last('0 3 * * 0', 'Asia/Kolkata', '2026-11-28T12:00:00Z'), '2026-11-21T21:30:00.000Z');
  assert.equal(last('0 3 1 * *', 'UTC', '2026-11-28T12:00:00Z'), undefined);
  assert.equal(last('every day', 'UTC', '2026-11-28T12:00:00Z'), undefined);
  assert.equal(last('0 3 * * *', 'Nowhere/Never', '2026-11-28T12:00:00Z'), undefined);
});

test('time that goes on is followed', () => {
  const at = (now: string) => calendar.lastBefore('0 * * * *', 'UTC', Date.parse(now));
  assert.equal(at('2026-11-28T12:59:59Z'), Date.parse('2026-11-28T12:00:00Z'));
  assert.equal(at('2026-11-28T13:00:00Z'), Date.parse('2026-11-28T13:00:00Z'));
  assert.equal(at('2026-11-27T10:10:00Z'), Date.parse('2026-11-27T10:00:00Z'), 'also when the clock was set back');
});
