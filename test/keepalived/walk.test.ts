/** The walk of docs/keepalived.md: what it shows is what the programs printed, and lint still prints. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lintCommand } from '../../src/cli/lint.ts';
import { commandsIn, normalised } from '../qemu/guest/transcript.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/keepalived.md');
const [walk = ''] = /^## A walk\n[^]*?(?=^## )/m.exec(page) ?? [];
const CONF = 'test/fixtures/walk/keepalived.conf';
const AT = '/etc/keepalived/keepalived.conf';
const shown = [...walk.matchAll(/^```console\n([^]*?)^```$/gm)].flatMap(([, block = '']) => commandsIn(block));

test('every command of the walk is shown with what it printed beside a real keepalived, on a real kernel, in this order', () => {
  const printed = commandsIn(read('test/fixtures/walk/transcript.txt')).map(normalised);
  let next = 0;
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const [first, ...inGuest] = shown;
  assert.equal(first, `$ fourlane --version\n${version}`);
  assert.ok(inGuest.length >= 8, `${inGuest.length} commands`);
  for (const command of inGuest.map(normalised)) {
    const found = printed.indexOf(command, next);
    assert.notEqual(found, -1, `this was not printed, or not in this order:\n${command}`);
    next = found + 1;
  }
});

test('the configuration that it starts from is shown whole, and lint prints of it what is shown', async () => {
  assert.ok(walk.includes(`\`\`\`\n${read(CONF)}\`\`\``), 'the file');
  let text = '';
  const code = await lintCommand([CONF], { out: (more) => void (text += more), err: assert.fail });
  assert.equal(code, 1);
  assert.equal(
    shown.find((command) => command.startsWith('$ fourlane lint')),
    `$ fourlane lint ${AT}\n${text.replaceAll(CONF, AT).trimEnd()}`,
  );
});

test('what differs between two runs is left out of the comparison, and nothing else', () => {
  const first =
    '1 removal by both: keepalived first once, by 0.6 s in the median.\npid 812, since 2026-11-28T20:33:55.250Z, weight 5';
  const second =
    '1 removal by both: fourlane first once, by 120 ms in the median.\npid 9, since 2026-11-29T01:00:00.000Z, weight 5';
  assert.equal(normalised(first), normalised(second));
  assert.notEqual(normalised(first), normalised(first.replace('weight 5', 'weight 6')));
  assert.notEqual(normalised(first), normalised(first.replace('1 removal', '2 removals')));
});
