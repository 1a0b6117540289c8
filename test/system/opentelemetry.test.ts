/**
 * A real agent that pushes to a real HTTP receiver, and one that does not and loads nothing of OpenTelemetry. On loopback, as any
 * user.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { asSamples, parseSamples, Receiver } from '../otel/receiver.ts';
import { AgentProcess, loopbackServers, QUICK, serve, until, writeConfig } from './harness.ts';
import { watchModules } from './modules.ts';
import { niceOf, threadsOf } from './threads.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-otel-'));
const closers: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(dir, { recursive: true });
});

async function receiver(): Promise<Receiver> {
  const made = await Receiver.start();
  closers.push(() => made.close());
  return made;
}

function config(name: string, realServers: readonly string[], opentelemetry?: object): string {
  const body = {
    cluster: 'edge-1',
    server: 'lb-01',
    listen: '127.0.0.1:0',
    stateDir: join(dir, name),
    nics: [2, 3].map((n) => ({ name: `lo${n}`, device: 'lo', source: `127.0.0.${n}` })),
    services: [
      {
        name: 'web',
        vip: '10.0.0.1:80/tcp',
        check: { type: 'tcp', interval: '200ms', timeout: '150ms' },
        realServers,
        actuator: { exec: { command: ['/bin/true'] } },
      },
    ],
    rules: QUICK,
    ...(opentelemetry === undefined ? {} : { opentelemetry }),
  };
  return writeConfig(dir, body, `${name}.yaml`);
}

async function started(file: string): Promise<AgentProcess> {
  const agent = await AgentProcess.start(file);
  closers.push(() => agent.end());
  return agent;
}

test('metrics are the series of /metrics at one moment; verdict and action are one trace, and the log names it', async () => {
  const collector = await receiver();
  const [lasting, failing] = [await serve(0), await serve(0)];
  const servers = [...loopbackServers(3, lasting.port), ...loopbackServers(1, failing.port)];
  const file = config('on', servers, { endpoint: `${collector.url}/base/`, interval: '1s', headers: { 'x-token': 'abc' } });
  const agent = await started(file);
  await agent.allGood();

  const same = await until('a moment between two scrapes', 30_000, async () => {
    const known = new Set(collector.moments.keys());
    const before = parseSamples((await agent.ask('/metrics')).text);
    const moment = await until('a push', 5000, () => [...collector.moments.keys()].find((m) => !known.has(m)));
    const after = parseSamples((await agent.ask('/metrics')).text);
    const pushed = asSamples(collector.moments.get(moment)!);
    if (!sameSeries(before, after)) return undefined;
    assertBetween(before, pushed, after);
    return pushed;
  });
  assert.ok(same.size > 300, `${same.size} series`);

  await failing.close();
  const action = await until('an action in the trace of its verdict', 30_000, () =>
    collector.spans.find((s) => s.name === 'action exec' && s.attributes['fourlane.state'] === 'disabled' && s.parentSpanId),
  );
  const verdict = collector.spans.find((s) => s.spanId === action.parentSpanId)!;
  assert.equal(verdict.traceId, action.traceId);
  assert.equal(verdict.name, 'verdict RS_DOWN');
  assert.ok(verdict.startTimeUnixNano <= action.startTimeUnixNano);
  assert.equal(action.attributes['fourlane.result'], 'ok');
  const line = agent.log.find((l) => l['span_id'] === verdict.spanId)!;
  assert.deepEqual([line['trace_id'], line['verdict']], [verdict.traceId, verdict.attributes['fourlane.verdict']]);
  assert.ok(agent.log.some((l) => l['span_id'] === action.spanId && l['actuator'] === 'exec'));

  assert.ok(collector.spans.some((s) => s.name === 'collect ipvs' && s.attributes['fourlane.state'] !== undefined));
  assert.ok(collector.spans.some((s) => s.name === 'config apply' && s.attributes['fourlane.summary'] === 'started'));
  assert.deepEqual(new Set(collector.requests.map((r) => r.url)), new Set(['/base/v1/metrics', '/base/v1/traces']));
  assert.ok(collector.requests.every((r) => r.headers['x-token'] === 'abc' && r.headers['content-encoding'] === 'gzip'));
  assert.equal(collector.resources[0]!['service.instance.id'], 'lb-01');
  assert.deepEqual(collector.errors, []);
});

test('a reload turns it on, to another collector, and off; a refused file is a failed span', async () => {
  const [first, second] = [await receiver(), await receiver()];
  const { port } = await serve(0);
  const servers = loopbackServers(1, port);
  const agent = await started(config('reload', servers));
  assert.equal(await agent.metric('fourlane_otlp_requests_total'), undefined);
  const reload = async (opentelemetry?: object) => {
    config('reload', servers, opentelemetry);
    assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
  };
  await reload({ endpoint: first.url, interval: '1s' });
  await until('pushes', 30_000, () => first.moments.size > 1);
  writeFileSync(join(dir, 'reload.yaml'), 'nics: 3\n');
  assert.equal((await agent.ask('/-/reload', 'POST')).status, 400);
  const refused = await until('the span', 5000, () => first.spans.find((s) => s.name === 'config apply' && s.status.code === 2));
  assert.match(refused.status.message!, /reload\.yaml:1:/);
  assert.equal(agent.logged(/^config not applied/)?.['span_id'], refused.spanId);

  await reload({ endpoint: second.url, interval: '1s', metrics: false });
  await until('spans elsewhere', 30_000, () => second.spans.length > 0);
  assert.equal(second.moments.size, 0);
  await reload();
  await until('no thread any more', 5000, () => threadsOf(agent.pid).every(({ name }) => !name.includes('opentelemetry')));
  assert.ok((await agent.metric('fourlane_otlp_requests_total', 'sent'))! > 2);
  assert.equal(await agent.metric('fourlane_otlp_lost_total'), 0);
  assert.deepEqual([...first.errors, ...second.errors], []);
});

test('off, no module of OpenTelemetry is loaded; on, they are', async () => {
  const modules = watchModules(dir);
  const { port } = await serve(0);
  const servers = loopbackServers(1, port);
  const loaded = async (file: string, wait: (agent: AgentProcess) => Promise<unknown>) => {
    modules.forget();
    const agent = await AgentProcess.start(file, { wrap: modules.wrap });
    closers.push(() => agent.end());
    await wait(agent);
    await agent.ask('/metrics');
    await agent.end('SIGTERM');
    return modules.loaded();
  };
  const off = await loaded(config('modules-off', servers), (agent) => agent.allGood());
  assert.ok(
    off.some((url) => url.endsWith('/src/otel/telemetry.ts')),
    'the hook sees modules',
  );
  assert.ok(
    off.some((url) => url.endsWith('/src/lanes/lane.worker.ts')),
    'those of threads too',
  );
  assert.deepEqual(
    off.filter((url) => /@opentelemetry|\/otel\.worker/.test(url)),
    [],
  );

  const collector = await receiver();
  const on = await loaded(config('modules-on', servers, { endpoint: collector.url, interval: '1s' }), () =>
    until('a push', 30_000, () => collector.moments.size > 0),
  );
  assert.ok(on.some((url) => url.includes('/@opentelemetry/sdk-node/')));
});

test('a collector that never answers: checks, verdicts and scrapes go on, one line is logged, it ends in time', async () => {
  const hanging = await serve(0);
  const [lasting, failing] = [await serve(0), await serve(0)];
  const servers = [...loopbackServers(3, lasting.port), ...loopbackServers(1, failing.port)];
  const endpoint = `http://127.0.0.1:${hanging.port}`;
  const agent = await started(config('hanging', servers, { endpoint, interval: '1s', timeout: '500ms' }));
  await agent.allGood();
  await until(
    'failed pushes',
    20_000,
    async () => (await agent.metric('fourlane_otlp_requests_total', 'metrics', 'failed'))! >= 3,
  );
  await failing.close();
  await agent.verdict('RS_DOWN', { rs: servers[3]! });
  assert.equal(agent.log.filter((l) => /not exported/.test(l.message)).length, 1);
  assert.deepEqual(niceOf(agent.pid, 'opentelemetry'), [19], 'it is the last to get a CPU');
  assert.equal(await agent.metric('fourlane_lane_restarts_total'), 0, 'no lane was held up by it');
  assert.equal(await agent.end('SIGTERM', 6000), 0);
});

function sameSeries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}

/** Gauges that may come back to a value in between, and those that the two clocks move by a millisecond. */
const RESTLESS = /^(nodejs|process)_|_(age|timestamp)_seconds\[|_in_flight\[/;

/** Exactly these series; a counter lies between the two scrapes, and whatever rests has the same value. */
function assertBetween(
  before: ReadonlyMap<string, string>,
  pushed: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): void {
  assert.deepEqual([...pushed.keys()].toSorted(), [...before.keys()].toSorted());
  for (const [key, value] of pushed) {
    const [low, high] = [Number(before.get(key)), Number(after.get(key))];
    if (/_(total|bucket|count|sum)\[/.test(key))
      assert.ok(low <= Number(value) && Number(value) <= high, `${key}: ${low} ${value} ${high}`);
    else if (low === high && !RESTLESS.test(key)) assert.equal(Number(value), low, key);
  }
}
