import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { status } from '../../src/cli/status.ts';
import { why } from '../../src/cli/why.ts';
import type { AgentView } from '../../src/report/view.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { linkTo, serve } from '../http/link.ts';
import { printed } from './printed.ts';
import { fakeView, makePlan, NIC_FAULT, RS_FAULT, troubledView } from '../report/fake-view.ts';

const run = (command: Parameters<typeof printed>[0], ...argv: readonly string[]) => printed(command, argv);

async function withAgent(view: AgentView, use: (url: string) => Promise<void>): Promise<void> {
  const server = await serve(linkTo(view));
  try {
    await use(`http://127.0.0.1:${server.port}`);
  } finally {
    await server.close();
  }
}

test('status of a troubled agent: 2, faults with their command, tables', () =>
  withAgent(troubledView(), async (url) => {
    const { status: exit, out } = await run(status, '--url', url);
    assert.equal(exit, 2);
    assert.match(out, /^edge-1\/lb-01 {2}running$/m);
    assert.match(
      out,
      /^NIC_FAIL \(link\) {2}eth3 {2}for 4 m 12 s\n {2}.*nor does its anchor \(192\.0\.2\.1\)\.\n {2}→ fourlane why nic eth3$/m,
    );
    assert.match(out, /^eth3 {2}NIC_FAIL\/link {2}up {7}TAKEN OUT {3}0 of 12 good {3}- {8}- {8}100 %$/m);
    assert.match(out, /^api-eth3 {2}203\.0\.113\.21:443\/tcp {2}DOWN {3}7 of 8 in service {4}\(eth3\)$/m);
    assert.match(out, /^10\.1\.2\.13:8080 {2}web {7}RS_DOWN\/refused {2}100 → 0$/m);
    assert.match(out, /^SOURCE {6}STATE\s*\ndpdk {8}data\s*\nipvs {8}absent {2}the kernel module ip_vs is not loaded\n/m);
    assert.match(out, /is not loaded\nkeepalived {2}FAILED {2}\/run/);
    assert.match(
      out,
      /^NIC eth3: failed, in place ok {2,}webhook {2}FAILED 8 × {2}for 4 m 12 s: POST .* failed: answered 503, needs 2xx$/m,
    );
    assert.match(
      out,
      /^real server 10\.1\.2\.13:8080 of web: weight 0, in place weight 100 {2}exec {5}running {5}for 1\.2 s\nand 1 more$/m,
    );
    const raw = await run(status, '--json', '--url', url);
    assert.deepEqual([raw.status, (JSON.parse(raw.out) as { server: string }).server], [2, 'lb-01']);
  }));

test('status: 0 when all is good or only suspected, 2 when something failed', async () => {
  const suspect: Verdict = { ...NIC_FAULT, verdict: 'SUSPECT', cause: 'none' };
  const good = fakeView();
  const views: readonly (readonly [AgentView, number])[] = [
    [good, 0],
    [fakeView({ verdicts: [suspect] }), 0],
    [fakeView({ verdicts: [RS_FAULT] }), 2],
    [fakeView({ over: { ready: () => ({ ready: false, reason: 'lanes: eth2 is starting' }) } }), 2],
    [{ ...good, wanted: () => ({ ...good.wanted(), frozen: 'AGENT_STALLED' }) }, 2],
    [{ ...good, wanted: () => ({ ...good.wanted(), panic: Uint8Array.of(0, 1, 0, 0) }) }, 2],
  ];
  for (const [view, expected] of views) {
    await withAgent(view, async (url) => assert.equal((await run(status, '--url', url)).status, expected));
  }
});

test('the address comes from FOURLANE_URL too', () =>
  withAgent(fakeView(), async (url) => {
    process.env['FOURLANE_URL'] = url;
    try {
      assert.equal((await run(status)).status, 0);
    } finally {
      delete process.env['FOURLANE_URL'];
    }
  }));

test('no agent: 3, with what to do', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => closed.once('listening', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  for (const [command, ...words] of [[status], [why, 'nic', 'eth2']] as const) {
    const { status: exit, err } = await run(command, ...words, '--url', `http://127.0.0.1:${port}`);
    assert.equal(exit, 3);
    assert.match(err, /^fourlane: no agent at http:\/\/127\.0\.0\.1:\d+ \(.*ECONNREFUSED.*\); start one with `fourlane agent`/);
  }
  assert.equal((await run(status, '--url', 'nonsense')).status, 3);
});

test('something else listens there: 3', async () => {
  const other = createServer((_, res) => res.writeHead(404).end('{"error":"who?"}')).listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { status: exit, err } = await run(status, '--url', `http://127.0.0.1:${(other.address() as AddressInfo).port}`);
  other.close();
  assert.equal(exit, 3);
  assert.match(err, /HTTP status 404/);
});

test('why nic: rule, witnesses, anchors, probes, checks and changes', () =>
  withAgent(troubledView(), async (url) => {
    const { status: exit, out } = await run(why, 'nic', 'eth3', '--url', url);
    assert.equal(exit, 0);
    for (const line of [
      /^eth3: NIC_FAIL \(link\)$/m,
      /^ {2}rule R3: 12 of 12 witnesses fail$/m,
      /^ {2}anchors: 192\.0\.2\.1 timeout$/m,
      /^ {4}eth3 {2}10\.1\.1\.11:8080 {2}timeout {2}connect {2}deadline {2}252 bad in a row {2}500\.0 ms$/m,
      /^ {2}eth3 {2}10\.1\.1\.12:8080 {2}fail {2}fail {5}timeout {5}- {11}0\.1 s$/m,
      /eth3 {2}SUSPECT → NIC_FAIL \(link\)$/m,
    ]) {
      assert.match(out, line);
    }
  }));

test('why rs: says so when nothing is wrong; --json is the answer itself', () =>
  withAgent(fakeView({ plan: makePlan(2, 2, 1) }), async (url) => {
    assert.match((await run(why, 'rs', '10.1.1.12:8080', '--url', url)).out, /^10\.1\.1\.12:8080: OK$/m);
    const raw = JSON.parse((await run(why, 'rs', '10.1.1.12:8080', '--json', '--url', url)).out) as { cellCount: number };
    assert.equal(raw.cellCount, 2);
  }));

test('why about what is not there: 1, and what there is', () =>
  withAgent(fakeView(), async (url) => {
    const { status: exit, err } = await run(why, 'nic', 'eth9', '--url', url);
    assert.deepEqual([exit, err], [1, 'fourlane: no NIC "eth9"; this agent has eth2, eth3, eth4\n']);
  }));

test('help has an example; wrong words and options are told apart from answers', async () => {
  for (const command of [status, why]) {
    const { status: exit, out } = await run(command, '--help');
    assert.equal(exit, 0);
    assert.match(out, /^Usage: fourlane [^]*^Example: fourlane /m);
    const wrong = await run(command, '--bogus');
    assert.deepEqual([wrong.status, wrong.err.includes('--bogus')], [1, true]);
  }
  for (const words of [[], ['nic'], ['host', 'x'], ['nic', 'a', 'b']]) assert.equal((await run(why, ...words)).status, 1);
  assert.equal((await run(status, 'eth2')).status, 1);
});
