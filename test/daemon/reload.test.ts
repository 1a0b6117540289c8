import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compareFile } from '../../src/config/compare.ts';
import { loadPlanFile } from '../../src/config/load.ts';
import { CurrentPlan } from '../../src/daemon/current-plan.ts';
import { Reloader } from '../../src/daemon/reload.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Logger } from '../../src/sys/log.ts';
import { until } from '../system/harness.ts';
import { tracerOff } from './no-spans.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-reload-'));
after(() => rmSync(dir, { recursive: true }));

const yaml = (port: number, more = '') =>
  `server: lb\nnics: [{name: eth0}]\nservices: [{vip: '10.0.0.1:80/tcp', realServers: ['10.1.0.1:${port}']}]\n${more}`;

/** A reloader over a file; `applied` are the plans taken over, each of which waits for `go`. */
function stage() {
  const file = join(dir, 'fourlane.yaml');
  const write = (text: string) => writeFileSync(file, text);
  write(yaml(80));
  const applied: Plan[] = [];
  const waiting: (() => void)[] = [];
  const state = { now: 0, hold: false, fail: '' };
  const lines: string[] = [];
  const read: string[][] = [];
  const log = {
    info: (_: object, m: string) => lines.push(m),
    error: ({ code }: { code: string }, m: string) => lines.push(`error ${code} ${m}`),
  };
  const plans = new CurrentPlan(loadPlanFile(file, { hostname: 'lb' }), 0);
  const reloader = new Reloader({
    file,
    plans,
    loader: { load: async (request) => compareFile(request).answer },
    apply: async (plan) => {
      applied.push(plan);
      if (state.fail !== '') throw new Error(state.fail);
      if (state.hold) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    read: (files) => read.push([...files.keys()]),
    ended: () => undefined,
    clock: () => state.now,
    log: log as unknown as Logger,
    tracer: tracerOff,
  });
  const go = () => waiting.shift()?.();
  return { reloader, plans, write, applied, state, lines, read, go };
}
const ports = (plans: readonly Plan[]) => plans.map((p) => p.targets[0]!.address.port);

test('a good file is applied, the same file is not, and the last result is remembered with its time', async () => {
  const { reloader, plans, write, applied, state, lines } = stage();
  assert.deepEqual(plans.last, { ok: true, message: 'started', t: 0 });
  state.now = 5;
  assert.deepEqual(await reloader.reload(), { ok: true, message: 'nothing changed' });
  write(yaml(81));
  state.now = 7;
  assert.equal((await reloader.reload()).ok, true);
  assert.deepEqual(ports(applied), [81]);
  assert.equal(plans.plan, applied[0]);
  assert.equal(plans.last.t, 7);
  assert.match(lines.at(-1)!, /^config: service 10\.0\.0\.1:80\/tcp changed; checks: 1 added, 1 removed, 0 kept$/);
});

test('a bad file, a missing one, and one that needs a restart change nothing and say why', async () => {
  const { reloader, plans, write, applied, lines } = stage();
  const before = plans.plan;
  write(yaml(80).replace('10.1.0.1', 'web-1'));
  const bad = await reloader.reload();
  assert.equal(bad.ok, false);
  assert.match(bad.errors![0]!, /fourlane\.yaml:3:\d+: services\[0\]\.realServers\[0\]/);
  write(yaml(80, 'cluster: other\n'));
  const restart = await reloader.reload();
  assert.deepEqual(restart, {
    ok: false,
    code: 'CONFIG_INVALID',
    message: 'cluster cannot change while running; restart the agent. Nothing was changed',
  });
  rmSync(join(dir, 'fourlane.yaml'));
  assert.equal((await reloader.reload()).ok, false);
  assert.deepEqual([applied.length, plans.plan === before, plans.last.ok], [0, true, false]);
  assert.deepEqual(
    lines.map((l) => /^error (\w+) config not applied: /.exec(l)?.[1]),
    ['CONFIG_INVALID', 'CONFIG_INVALID', 'CONFIG_UNREADABLE'],
  );
});

test('what an import was read from is told when it is applied or refused; not by looking, nor when it was not read', async () => {
  const { reloader, write, read, state } = stage();
  const reload = () => {
    state.now += 1000;
    return reloader.reload();
  };
  const conf = join(dir, 'keepalived.conf');
  const withImport = yaml(80, `import: {keepalived: {file: ${JSON.stringify(conf)}}}\n`);
  writeFileSync(conf, 'virtual_server 192.0.2.1 80 {\n protocol TCP\n}\n');
  write(withImport);
  await reloader.examine({ directory: dir, root: 'a' });
  assert.deepEqual(read, []);
  assert.equal((await reload()).ok, true);
  writeFileSync(conf, 'virtual_server 192.0.2.1 80 {\n');
  assert.equal((await reload()).ok, false);
  assert.deepEqual(read, [[conf], [conf]]);
  write('nics: 7\n');
  assert.equal((await reload()).ok, false);
  assert.equal(read.length, 2);
  write(yaml(80));
  assert.equal((await reload()).ok, true);
  assert.deepEqual(read.at(-1), []);
});

test('what fails while it is applied is said, and the next reload is not held up', async () => {
  const { reloader, write, state } = stage();
  write(yaml(81));
  state.fail = 'no thread';
  assert.deepEqual(await reloader.reload(), { ok: false, code: 'INTERNAL', message: 'no thread', errors: [] });
  state.fail = '';
  write(yaml(82));
  assert.equal((await reloader.reload()).ok, true);
});

test('one at a time: requests that come while one runs share one run after it, which sees the file as it is then', async () => {
  const { reloader, write, applied, state, go } = stage();
  state.hold = true;
  write(yaml(81));
  const first = reloader.reload();
  write(yaml(82));
  const others = Array.from({ length: 100 }, () => reloader.reload());
  write(yaml(83));
  await until('the first plan', 2000, () => applied.length > 0);
  assert.deepEqual(ports(applied), [81]);
  state.hold = false;
  go();
  await first;
  assert.equal(new Set(await Promise.all(others)).size, 1, 'one run for all of them');
  assert.deepEqual(ports(applied), [81, 83]);
  assert.equal((await reloader.reload()).message, 'nothing changed');
});

test('once a second at most: what is asked sooner shares one run, a second after the last one began', async () => {
  const { reloader, write, applied, state } = stage();
  write(yaml(81));
  await reloader.reload();
  write(yaml(82));
  state.now = 900;
  const from = performance.now();
  const asked = [1, 2, 3].map(() => reloader.reload());
  assert.deepEqual(ports(applied), [81], 'not yet');
  await Promise.all(asked);
  assert.ok(performance.now() - from >= 90, 'it waits for what is left of the second');
  assert.deepEqual(ports(applied), [81, 82], 'once for all of them');
});

test('a release is examined and applied by the same door; what failed half-way is put back', async () => {
  const { reloader, plans, write, applied, state } = stage();
  const before = plans.plan;
  write(yaml(81));
  const release = { directory: dir, root: 'a' };
  const examined = await reloader.examine(release);
  assert.ok(!('refused' in examined) && !examined.same);
  assert.deepEqual([applied.length, plans.plan], [0, before], 'nothing is changed by looking');
  state.fail = 'no thread';
  assert.equal((await reloader.take(release)).ok, false);
  state.fail = '';
  await reloader.putBack();
  assert.deepEqual(ports(applied), [81, 80]);
  assert.equal(plans.plan.fingerprint, before.fingerprint);
  await reloader.putBack();
  assert.equal(applied.length, 2, 'there is nothing left to put back');
  write(yaml(82));
  assert.equal((await reloader.take(release)).ok, true);
  assert.deepEqual(ports(applied), [81, 80, 82], 'the file as it is now, not as it was examined');
});
