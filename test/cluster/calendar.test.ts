import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calendarProblem, cronCalendar } from '../../src/cluster/roster/calendar.ts';

const at = (text: string) => Date.parse(text);

/** [expression, zone, now, what it named last] */
const CASES: readonly (readonly [string, string, string, string | undefined])[] = [
  ['*/5 * * * *', 'UTC', '2026-11-28T12:03:30Z', '2026-11-28T12:00:00.000Z'],
  ['30 2 * * *', 'Europe/Berlin', '2026-11-28T12:00:00Z', '2026-11-28T01:30:00.000Z'],
  ['0 3 * * 0', 'Asia/Kolkata', '2026-11-28T12:00:00Z', '2026-11-21T21:30:00.000Z'],
  ['0 3 1 * *', 'UTC', '2026-11-28T12:00:00Z', undefined],
  ['every day', 'UTC', '2026-11-28T12:00:00Z', undefined],
  ['* * *', 'UTC', '2026-11-28T12:00:00Z', undefined],
  ['0 3 * * *', 'Nowhere/Never', '2026-11-28T12:00:00Z', undefined],
];

test('the last time that an expression named, in its zone; none that is long ago or can not be read', () => {
  const [all, part] = [cronCalendar(), cronCalendar(50)];
  for (const [expression, zone, now, wanted] of CASES) {
    const shown = (found: number | undefined) => found && new Date(found).toISOString();
    assert.equal(shown(all.lastBefore(expression, zone, at(now))), wanted, expression);
    let found: number | undefined;
    for (let calls = 0; calls < 300 && found === undefined; calls++) found = part.lastBefore(expression, zone, at(now));
    assert.equal(shown(found), wanted, `${expression}, a part in each call`);
  }
  assert.equal(cronCalendar(50).lastBefore('0 3 * * 0', 'Asia/Kolkata', at('2026-11-28T12:00:00Z')), undefined, 'not yet');
});

for (const [name, calendar] of [
  ['at once', cronCalendar()],
  ['in parts', cronCalendar(50)],
] as const)
  test(`time that goes on is followed, and one that goes back: ${name}`, () => {
    const last = (now: string) => calendar.lastBefore('0 * * * *', 'UTC', at(now));
    assert.equal(last('2026-11-28T12:59:59Z'), at('2026-11-28T12:00:00Z'));
    assert.equal(last('2026-11-28T13:00:00Z'), at('2026-11-28T13:00:00Z'));
    assert.equal(last('2026-11-27T10:10:00Z'), at('2026-11-27T10:00:00Z'), 'also when the clock was set back');
  });

test('what was found long ago holds no more', () => {
  const calendar = cronCalendar();
  assert.equal(calendar.lastBefore('0 3 1 * *', 'UTC', at('2026-12-01T04:00:00Z')), at('2026-12-01T03:00:00Z'));
  for (let day = 2; day <= 9; day++) calendar.lastBefore('0 3 1 * *', 'UTC', at(`2026-12-0${day}T02:00:00Z`));
  assert.equal(calendar.lastBefore('0 3 1 * *', 'UTC', at('2026-12-09T04:00:00Z')), undefined);
});

test('a calendar that can not be read is named with what to write', () => {
  assert.match(calendarProblem('60 0 * * *', 'UTC') ?? '', /is no schedule; write minute/);
  assert.match(calendarProblem('0 0 * * *', 'Nowhere/City') ?? '', /is no time zone/);
  assert.equal(calendarProblem('0 2 * * 0', 'Europe/Berlin'), undefined);
});
