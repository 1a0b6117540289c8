/** Two deciders over the same real servers: who was first, who followed, what only one did, and what is said of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatDuration } from '../../src/report/format.ts';
import { compare, type Ended, type Pairs, type Sight } from '../../src/shadow/comparison.ts';
import { ShadowLedger } from '../../src/shadow/ledger.ts';
import { shadowReport } from '../../src/shadow/report.ts';

const sight = (fourlane: boolean, keepalived: boolean, why = '', realServer = '10.1.0.1:80'): Sight => ({
  service: 'web',
  realServer,
  in: { fourlane, keepalived },
  why,
});

/** Plays looks a second apart; what ended, as text. */
function play(...looks: readonly (readonly [boolean, boolean, string?])[]): string[] {
  let pairs: Pairs = new Map();
  const all: Ended[] = [];
  looks.forEach(([ours, theirs, why], k) => {
    const step = compare(pairs, [sight(ours, theirs, why)], 1000 * k);
    pairs = step.pairs;
    all.push(...step.ended);
  });
  return all.map(({ first, change, how, ms, why }) => `${first} ${change} ${how} ${ms}${why && ` ${why}`}`);
}

test('who changes first, and whether the other one follows', () => {
  const [UP, OURS, THEIRS, DOWN] = [
    [true, true],
    [false, true],
    [true, false],
    [false, false],
  ] as const;
  assert.deepEqual(play(UP, UP, DOWN, UP), ['both out together 0', 'both in together 0'], 'at the same look: nobody was first');
  assert.deepEqual(play(UP, OURS, OURS, DOWN), ['fourlane out followed 2000']);
  assert.deepEqual(play(UP, THEIRS, DOWN), ['keepalived out followed 1000']);
  assert.deepEqual(play(UP, THEIRS, THEIRS, UP), ['keepalived out reverted 2000']);
  assert.deepEqual(play(DOWN, THEIRS, UP), ['fourlane in followed 1000'], 'ours put it in first');
  assert.deepEqual(play(DOWN, OURS, DOWN), ['keepalived in reverted 1000']);
  assert.deepEqual(play(UP, OURS, THEIRS, DOWN), ['fourlane out reverted 1000', 'keepalived out followed 1000']);
  assert.deepEqual(play(THEIRS, UP), ['keepalived out reverted 1000'], 'seen for the first time: who has it out');
});

test('what fourlane knew at any time of the difference is its reason', () => {
  assert.deepEqual(play([true, true], [true, false], [true, false, 'NIC_FAIL eth3'], [true, false], [true, true]), [
    'keepalived out reverted 3000 NIC_FAIL eth3',
  ]);
});

test('where times are known they count: to the millisecond, also between two looks', () => {
  const at = (ours: number | undefined, theirs: number | undefined) => ({
    at: { ...(ours === undefined ? {} : { fourlane: ours }), ...(theirs === undefined ? {} : { keepalived: theirs }) },
  });
  const begun = compare(new Map(), [sight(true, true)], 0).pairs;
  const both = (...times: Parameters<typeof at>) => {
    const [event] = compare(begun, [{ ...sight(false, false), ...at(...times) }], 1000).ended;
    return [event!.first, event!.how, event!.since, event!.ms];
  };
  assert.deepEqual(both(120, 345), ['fourlane', 'followed', 120, 225]);
  assert.deepEqual(both(345, 120), ['keepalived', 'followed', 120, 225]);
  assert.deepEqual(both(345, undefined), ['both', 'together', 1000, 0]);
  const first = compare(begun, [{ ...sight(false, true), ...at(812, undefined) }], 1000).pairs;
  const followed = compare(first, [{ ...sight(false, false), ...at(812, 2003) }], 3000).ended[0]!;
  assert.deepEqual([followed.first, followed.since, followed.ms], ['fourlane', 812, 1191]);
  const reverted = compare(first, [{ ...sight(true, true), ...at(2500, undefined) }], 3000).ended[0]!;
  assert.deepEqual([reverted.how, reverted.ms], ['reverted', 1688]);
});

test('real servers that are not seen are forgotten without an event', () => {
  const first = compare(new Map(), [sight(false, true)], 0);
  const second = compare(first.pairs, [], 1000);
  assert.deepEqual([second.pairs.size, second.ended], [0, []]);
});

function ledger(): ShadowLedger {
  const made = new ShadowLedger(0);
  let now = 0;
  const look = (...sights: Sight[]) => void made.take(sights, (now += 1000));
  const rest = Array.from({ length: 11 }, (_, i) => sight(true, true, '', `10.1.0.${i + 20}:80`));
  const of = (...own: Sight[]) => look(...own, ...rest);
  of(sight(true, true));
  for (let k = 0; k < 3; k++) {
    of(sight(false, true, 'RS_DOWN(refused)'));
    of(sight(false, true, 'RS_DOWN(refused)'));
    of(sight(false, true, 'RS_DOWN(refused)'));
    of(sight(false, false, 'RS_DOWN(refused)'));
    of(sight(false, true));
    of(sight(true, true));
  }
  of(sight(false, false));
  of(sight(true, true));
  of(sight(true, false, 'NIC_FAIL(link) eth3'));
  of(sight(true, true));
  for (let k = 0; k < 40; k++) of(sight(true, false));
  return made;
}

test('series: compared, agreeing, differing for long by who has it out, changes and leads', () => {
  const families = Object.fromEntries(
    ledger()
      .families()
      .map((f) => [f.name.replace('fourlane_shadow_', ''), f]),
  );
  assert.deepEqual(Object.values(families['compared_real_servers']!.values), [12]);
  assert.deepEqual(Object.values(families['agreeing_real_servers']!.values), [11]);
  assert.deepEqual(families['differing_real_servers']!.rows, [['keepalived', 'OK']]);
  const changes = families['changes_total']!;
  const counts = changes.rows
    .map((row, i) => `${row.join(' ')} ${Number(changes.values[i])}`)
    .filter((text) => !text.endsWith(' 0'));
  assert.deepEqual(counts, [
    'fourlane out followed 3',
    'keepalived out reverted 1',
    'keepalived in followed 3',
    'both out together 1',
    'both in together 1',
  ]);
  const { values, bounds } = families['lead_seconds']!;
  assert.deepEqual([values[bounds!.length + 1], values[2 * bounds!.length + 3]].map(Number), [9, 3], 'sums by who was first');
});

test('the report says it for people', () => {
  const text = shadowReport(ledger().view(), 64_000, { time: (t) => `t${t}`, duration: formatDuration });
  assert.equal(
    text,
    `Shadow of keepalived since t0: 12 real servers compared, 1 differ now.
4 removals by both: fourlane first 3 times, by 3 s in the median; within the same second once.
1 removal by keepalived alone: of NIC_FAIL(link) eth3, which fourlane would have limited to eth3; the longest lasted 1 s.
4 returns by both: keepalived first 3 times, by 1 s in the median; within the same second once.
Now different:
  10.1.0.1:80 of web: out for keepalived, in service for fourlane, for 40 s (fourlane knows nothing against it)
`,
  );
  const doc = readFileSync('docs/keepalived.md', 'utf8');
  for (const part of [' by both: fourlane first 3 times, by', 'which fourlane would have limited to eth3; the longest lasted'])
    assert.ok(text.includes(part) && doc.includes(part), part);
  const blind = new ShadowLedger(0);
  blind.blind('the kernel module ip_vs is not loaded');
  assert.equal(
    shadowReport(blind.view(), 0, { time: () => 'now', duration: formatDuration }),
    'Shadow of keepalived since now: nothing is compared now: the kernel module ip_vs is not loaded\n' +
      'Nothing has been taken out or put in by either of them.\n',
  );
});
