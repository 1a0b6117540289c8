/**
 * The telemetry client against the telemetry threads of a real DPDK process: its limits, silence, and 100 000 queries. Needs
 * root.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Session, TelemetryClient } from '../../src/collect/telemetry/client.ts';
import { type Command, contract } from '../../src/collect/telemetry/commands.ts';
import { Seqpacket } from '../../src/sys/seqpacket.ts';
import { Collecting } from '../collect/dpdk.fake.ts';
import { buildApp, DpdkProcess } from './dpdk-app.ts';
import type { Held } from './dpdk-queries.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork, until } from './harness.ts';

const QUERIES = fileURLToPath(new URL('./dpdk-queries.ts', import.meta.url));
const never = new AbortController().signal;
const patience = { signal: never, limitMs: 5000 };
let app: DpdkProcess;

before(async () => {
  ensure(['iproute2']);
  const program = buildApp();
  enterOwnNetwork();
  app = await DpdkProcess.app(program, 'tdlb');
  // Two CPUs are shared with everything else.
  await app.set('rate', 1000);
  await app.set('idle_us', 5000);
});
after(() => app?.end());

/** Runs with a session, and a client that is closed after. */
async function withSession(work: (session: Session) => Promise<void>): Promise<void> {
  const client = new TelemetryClient(app.path, { greetingMs: 5000, answerMs: 5000 });
  try {
    await work(await client.session(never));
  } finally {
    client.close();
  }
}

test('a full answer of 16 KiB is read whole, and known to lack entries', () =>
  withSession(async (session) => {
    const big = (count: number) => ({ name: '/tdlb/test/big', text: `/tdlb/test/big,${count}` }) as Command;
    const some = await session.request(big(100), never);
    assert.deepEqual([(some.value as string[]).length, some.cut], [100, false]);
    const full = await session.request(big(512), never);
    assert.ok((full.value as string[]).length < 512);
    assert.equal(full.cut, true);
    assert.equal((await session.request(contract('/tdlb').coreList, never)).cut, false);
  }));

test('ten other clients: the eleventh is told why, and gets in when one leaves', async () => {
  app.disconnect();
  const others: Seqpacket[] = [];
  // What this process has just closed may not yet be counted as gone over there.
  await until('ten connections', 10_000, async () => {
    const other = await Seqpacket.connect(app.path, { ...patience, maxPacket: 65_536 });
    try {
      await other.receive(patience);
      others.push(other);
    } catch {
      other.close();
    }
    return others.length === 10;
  });
  const collecting = new Collecting({});
  const reading = await collecting.read();
  assert.equal(reading.state, 'failed');
  assert.match((reading as { reason: string }).reason, /without a greeting: its 10 client slots are taken/);
  others.pop()!.close();
  await until('a free slot', 10_000, async () => {
    collecting.now += 60_000; // the pause after it was full
    return (await collecting.read()).state === 'data';
  });
  await collecting.source.close();
  for (const other of others) other.close();
});

test('a process that hangs costs its own time limit and then less; when it goes on, so do we', async () => {
  const collecting = new Collecting({});
  await until('a first reading', 10_000, async () => (await collecting.read()).state === 'data');
  app.signal('SIGSTOP');
  const reason = async () => ((await collecting.read()) as { reason: string }).reason;
  const [first, second] = [await reason(), await reason()];
  assert.match(first, /does not answer: its telemetry thread hangs/);
  assert.equal(second, first, 'left alone for a while');
  collecting.now += 60_000;
  assert.match(await reason(), /sends no greeting: its telemetry thread hangs|accepts nobody/);
  app.signal('SIGCONT');
  await until('it answers again', 10_000, async () => {
    collecting.now += 60_000;
    return (await collecting.read()).state === 'data';
  });
  await collecting.source.close();
});

test('without permission: failed, with the remedy, not absent', async () => {
  const collecting = new Collecting({});
  process.seteuid!(65_534);
  try {
    const reading = await collecting.read();
    assert.equal(reading.state, 'failed');
    assert.match((reading as { reason: string }).reason, /EACCES.*; run fourlane as root, or give its user the right/);
  } finally {
    process.seteuid!(0);
    await collecting.source.close();
  }
});

test('100 000 queries and 1000 connections leave nothing behind, here and there', async (t) => {
  const theirs = () => readdirSync(`/proc/${app.pid}/fd`).length;
  app.disconnect();
  const before = theirs();
  // The heap's reserve is limited as for the agent; else V8 may take 24 MiB more at any time and keep it.
  const flags = ['--expose-gc', '--max-semi-space-size=4'];
  const child = spawn(process.execPath, [...flags, QUERIES, app.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const text = (await child.stdout.toArray()).join('');
  const { perSecond, results } = JSON.parse(text) as { perSecond: number; results: Held[] };
  t.diagnostic(`${perSecond} queries/s; held: ${JSON.stringify(results)}`);
  const [first, last] = [results[0]!, results.at(-1)!];
  // An answer kept per query would be 30 MiB.
  assert.ok(last.rss - first.rss < 6 && last.heap - first.heap < 1);
  assert.deepEqual(new Set(results.map((r) => r.fds)), new Set([first.fds]));
  await until('the process has closed its ends', 5000, () => theirs() <= before);
});
