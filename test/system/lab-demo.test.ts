import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo, leftovers } from './demo-run.ts';

/** Root's words to run something as nobody; none when not root. */
const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];

test('help, the list of scenarios, and mistakes in the options', async () => {
  assert.match((await demo(['--help'])).out, /npm start -- --scenario link-cut/);
  const list = await demo(['--scenario', 'list']);
  assert.equal(list.code, 0);
  assert.equal(list.out.trim().split('\n').length, 16);
  for (const [args, message] of [
    [['--scenario', 'nope'], /there is no "nope"; there are: link-cut, /],
    [['--duration', '60'], /"60" is not a duration/],
    [['--port', 'x'], /"x" is not a port/],
  ] as const) {
    const wrong = await demo(args);
    assert.equal(wrong.code, 1, args.join(' '));
    assert.match(wrong.out, message);
  }
});

test('--scenario link-cut: a cut and its repair, the requests of every service, its routes, the one page, exit 0', async () => {
  const ended = await demo(['--scenario', 'link-cut', '--with-prometheus', '--routers', 'mixed', '--port', '0']);
  const { code, out } = ended;
  assert.equal(code, 0, out);
  assert.match(out, /Status page: http:\/\/127\.0\.0\.1:\d+\//);
  assert.match(out, /verdict +NIC_FAIL\(eth1\) \(carrier\) after \d/);
  assert.match(out, /^web2 +\d+ ok, 0 failed +\d+ ok, 0 failed +\d+ ok, 0 failed +must not notice$/m);
  assert.match(out, /^PAGE FourlaneNicFault: NIC eth1 of lab-lb in cluster lab .*\n {5}first: ip -s link show dev eth1/m);
  assert.match(out, /^ecmp .*touched by the fault$/m);
  assert.match(out, /^routes +10\.0\.0\.9\/32 by tor1: gone at the spine after \d+ ms, back \d+ ms after the repair$/m);
  assert.equal(out.match(/^PAGE (?!RESOLVED)/gm)?.length, 1, out);
  assert.match(out, /As expected\.\n$/);
  assert.deepEqual(leftovers(ended), []);
});

test('without a scenario: the status page opens from outside, traffic is told, Ctrl-C ends it and leaves nothing', async () => {
  let page: Promise<string> | undefined;
  const ended = await demo(['--port', '0'], [], (text, pid) => {
    const url = /Status page: (http:\S+)/.exec(text)?.[1];
    if (page !== undefined || url === undefined || !/web1 \d+ ok/.test(text)) return;
    page = fetch(url).then((r) => r.text());
    void page.finally(() => process.kill(pid, 'SIGINT'));
  });
  assert.equal(ended.code, 0, ended.out);
  assert.match((await page) ?? '', /eth1/);
  assert.deepEqual(leftovers(ended), []);
});

test('without root: says what it cannot show, and shows what it can', async () => {
  const ended = await demo(['--scenario', 'rs-refuse', '--port', '0'], asNobody);
  const { code, out } = ended;
  assert.equal(code, 0, out);
  assert.match(out, /can't show a NIC, link, gateway or path failing/);
  assert.match(out, /verdict +RS_DOWN\(127\.0\.1\.11:\d+\) \(refused\)/);
  const cut = await demo(['--scenario', 'link-cut', '--port', '0'], asNobody);
  assert.equal(cut.code, 1);
  assert.match(cut.out, /"link-cut" hurts a network: it needs root and iproute2/);
  assert.deepEqual(leftovers(ended), []);
});

test('--duration ends it by itself; --quiet leaves the log out', async () => {
  const ended = await demo(['--loopback', '--quiet', '--duration', '2s', '--port', '0']);
  assert.equal(ended.code, 0, ended.out);
  assert.match(ended.out, /web1 \d+ ok · web2 \d+ ok · web3 \d+ ok · all \d+ ok\n$/);
  assert.doesNotMatch(ended.out, /every lane runs/);
  assert.deepEqual(leftovers(ended), []);
});
