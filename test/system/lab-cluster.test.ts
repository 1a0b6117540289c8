/**
 * The demo of a cluster as it is typed: it stands, a scenario goes as expected, nothing is left behind. All six: `npm run
 * lab:cluster`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo, leftovers } from './demo-run.ts';

test('--cluster 3 --scenario rack-dies: each step comes, nobody else notices, exit 0', async () => {
  const ended = await demo(['--cluster', '3', '--scenario', 'rack-dies', '--quiet', '--port', '0']);
  const { code, out } = ended;
  assert.equal(code, 0, out);
  assert.match(out, /^lb-03 {2}status page http:\/\/127\.0\.0\.1:\d+\//m);
  assert.match(out, /export FOURLANE_CLUSTER=\/run\/fourlane-lab\/fl-\d+-0\/cluster\.yaml/);
  assert.match(out, /\+\d+\.\d s {2}lb-03 says RACK_FAULT of rack2$/m);
  assert.match(out, /^api@lb-02 +\d+ ok, 0 failed +\d+ ok, 0 failed +\d+ ok, 0 failed +must not notice$/m);
  assert.match(out, /^As expected\.$/m);
  assert.deepEqual(leftovers(ended), []);
});

test('Ctrl-C while it is being built ends it, and leaves nothing', async () => {
  let interrupted = false;
  const ended = await demo(['--cluster', '3', '--quiet', '--port', '0'], [], (out, pid) => {
    if (interrupted || !/Built a network/.test(out)) return;
    interrupted = true;
    process.kill(pid, 'SIGINT');
  });
  assert.equal(ended.code, 0, ended.out);
  assert.doesNotMatch(ended.out, /is well, on every server/);
  assert.deepEqual(leftovers(ended), []);
});

test('scenarios by name, and mistakes in the options', async () => {
  assert.equal((await demo(['--cluster', '3', '--scenario', 'list'])).out.trim().split('\n').length, 6);
  for (const [args, message] of [
    [['--cluster', '5'], /--cluster: found 5; the lab has 3 load balancers/],
    [['--cluster', '3', '--scenario', 'rack-dies,link-cut'], /there is no "link-cut"; there are: rack-dies, /],
    [['--cluster', '3', '--routers', 'gobgp'], /--routers: found gobgp; allowed: bird, frr, mixed/],
  ] as const) {
    const wrong = await demo(args);
    assert.equal(wrong.code, 1, args.join(' '));
    assert.match(wrong.out, message);
  }
});
