import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, now } from '../../src/lab/control.ts';
import { faultsOf } from '../../src/lab/faults.ts';
import { Lab } from '../../src/lab/lab.ts';
import { labLayout, uplinks } from '../../src/lab/topology.ts';
import { until } from './harness.ts';

const { services } = labLayout;
const faults = faultsOf(labLayout);

const namespaces = (prefix: string) =>
  (existsSync('/run/netns') ? readdirSync('/run/netns') : []).filter((n) => n.startsWith(`${prefix}-`));
const processes = (prefix: string) =>
  spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((l) => l.includes(`/run/fourlane-lab/${prefix}/`));

/** Clients give up early: answers come in a few ms here. */
const TIMEOUT = 300;

let lab: Lab;
before(async () => {
  lab = await Lab.start({ rate: 40, timeoutMs: TIMEOUT });
});
after(() => lab.close());

/** Requests per service during `ms`, as [ok, failed]. */
async function traffic(ms: number): Promise<Record<string, [number, number]>> {
  const t0 = now();
  await sleep(ms + TIMEOUT + 100);
  const tally = await lab.tally(t0, t0 + ms);
  return Object.fromEntries(Object.entries(tally).map(([k, v]) => [k, [v.ok, v.failed]]));
}

/** As `traffic`, without a time in which a program of the lab did not run: what clients miss then is the machine's doing. */
async function undisturbed(ms: number, t: TestContext): Promise<Record<string, [number, number]>> {
  for (let k = 0; k < 10; k++) {
    const from = now();
    const seen = await traffic(ms);
    const pauses = await lab.pauses(from);
    if (pauses.length === 0) return seen;
    for (const pause of pauses) t.diagnostic(`measured again: ${pause}`);
  }
  throw new Error(`there were no ${ms} ms in which every program of the lab ran`);
}

/**
 * Waits until clients are served again: after a repair neighbours are asked for again, and connections that had begun give up.
 */
const recovered = () => until('nobody fails', 10_000, async () => failing(await traffic(300)).length === 0);
const failing = (t: Record<string, [number, number]>) => Object.keys(t).filter((k) => t[k]![1] > 0);

test('every service answers on both stacks and through every NIC', async () => {
  // The first requests ask for neighbours.
  await until('a second in which all clients of every service are served', 15_000, async () => {
    const seen = await traffic(1000);
    if (failing(seen).length > 0) throw new Error(`failing: ${failing(seen).join()}`);
    return services.every(({ name }) => (seen[name]?.[0] ?? 0) >= 35);
  });
  for (const u of uplinks)
    assert.ok(Number(lab.space.run(u.tor, ['cat', '/sys/class/net/spine/statistics/tx_packets'])) > 50, u.tor);
});

test('a NIC carries exactly its own source addresses: nothing leaks to another when it dies', async () => {
  lab.space.ip('tor1', ['link set lb down']);
  const counter = () => Number(lab.space.run('tor2', ['cat', '/sys/class/net/lb/statistics/rx_packets']));
  const before = counter();
  const curl = (source: string) =>
    spawnSync('ip', ['netns', 'exec', lab.space.name('lb'), process.execPath, '-e', probe(source)], {
      encoding: 'utf8',
    }).stdout.trim();
  const result = curl(uplinks[0]!.source);
  assert.match(result, /^(timeout|EHOSTUNREACH)$/);
  assert.equal(curl(uplinks[1]!.source), 'connect');
  assert.ok(counter() > before);
  await lab.heal();
  assert.equal(curl(uplinks[0]!.source), 'connect');
});

const probe = (source: string) => `
  const s = require('node:net').connect({ host: '10.10.2.11', port: 8081, localAddress: '${source}' });
  const end = (x) => { console.log(x); process.exit(); };
  s.on('connect', () => end('connect')).on('error', (e) => end(e.code)); setTimeout(() => end('timeout'), 1500);`;

// Without an agent nobody repairs: what a fault breaks stays broken until it is healed, and only that.
const plays: [string, string[]][] = [
  ['admin-down', ['web3', 'all']],
  ['upstream-drop', ['web2', 'all']],
  ['gateway-dead', ['web3', 'all']],
  ['rs-refuse', ['web1', 'all']],
  ['rs-blackhole', ['web3', 'all']],
  ['rs-one-nic', ['web1', 'all']],
  ['nic-loss', ['web2', 'all']],
  ['health-500', []],
  ['all-rs-dead', services.map((s) => s.name)],
  ['isolated', services.map((s) => s.name)],
];
for (const [name, broken] of plays) {
  test(`${name} breaks ${broken.join(', ') || 'no client request'}, and heals`, async (t) => {
    await faults.find((f) => f.name === name)!.apply(lab, undefined as never);
    try {
      const from = now();
      const seen = await undisturbed(1000, t);
      const others = failing(seen).filter((service) => !broken.includes(service));
      const unwanted = (await lab.failures(from)).filter(({ service }) => others.includes(service));
      assert.deepEqual(failing(seen), broken, JSON.stringify({ from, seen, unwanted }));
    } finally {
      await lab.heal();
      await recovered();
    }
  });
}

test('with the gateway alive, an upstream fault lets it answer pings; with the gateway dead nothing answers', async () => {
  const pings = () => spawnSync('ip', ['netns', 'exec', lab.space.name('lb'), process.execPath, '-e', arp]).status === 0;
  const arp = `
    const s = require('node:net').connect({ host: '10.1.3.1', port: 9, localAddress: '10.1.3.2' });
    s.on('error', (e) => process.exit(e.code === 'ECONNREFUSED' ? 0 : 1)); setTimeout(() => process.exit(1), 700);`;
  assert.equal(pings(), true);
  lab.nft('tor3', 'table inet lab {\n chain c {\n  type filter hook forward priority 0;\n  drop\n }\n}\n');
  assert.equal(pings(), true);
  await lab.heal();
  await faults.find((f) => f.name === 'gateway-dead')!.apply(lab, undefined as never);
  assert.equal(pings(), false);
  await lab.heal();
});

test("the data plane obeys the agent's webhook, and refuses what it does not understand", async (t) => {
  const post = (effects: object[]) =>
    lab.space
      .run('lb', [
        process.execPath,
        '-e',
        `fetch('http://127.0.0.1:9900/effects', { method: 'POST', body: process.argv[1] }).then(async (r) => ` +
          `console.log(r.status, await r.text()))`,
        JSON.stringify({ version: 1, effects }),
      ])
      .trim();
  const from = now();
  assert.match(post([{ kind: 'slice', service: 'web1', nic: 'eth1', state: 'disabled' }]), /^200/);
  assert.match(post([{ kind: 'slice', service: 'web9', nic: 'eth1', state: 'disabled' }]), /^400 .*unknown service/);
  assert.deepEqual(
    (await lab.changes(from)).map((c) => [c.kind, c.service, c.nic, c.state]),
    [['slice', 'web1', 'eth1', 0]],
  );
  assert.deepEqual(failing(await undisturbed(400, t)), ['web1']);
  await lab.resetDataplane();
  assert.deepEqual(failing(await undisturbed(400, t)), []);
});

test('a program that was stopped says so: when, for how long, and that it computed nothing', async () => {
  const ps = spawnSync('pgrep', ['-f', `dataplane.ts .*/run/fourlane-lab/${lab.space.prefix}/`], { encoding: 'utf8' });
  const pid = Number(ps.stdout);
  const from = now();
  process.kill(pid, 'SIGSTOP');
  await sleep(500);
  process.kill(pid, 'SIGCONT');
  const line = await until('a pause', 5000, async () =>
    (await lab.pauses(from)).find((pause) => Number(/dataplane did not run for (\d+)/.exec(pause)?.[1]) >= 300),
  );
  assert.ok(Number(/(\d+) ms computed/.exec(line)![1]) < 300, line);
  assert.deepEqual(await lab.pauses(now() + 1), []);
  await recovered();
});

test('closing leaves no namespace, process, directory or rule; twice is harmless', async (t) => {
  const other = await Lab.start({ rate: 1 });
  const { prefix } = other.space;
  assert.equal(namespaces(prefix).length, 9);
  assert.ok(processes(prefix).length >= 5);
  other.nft('tor1', 'table inet lab { }\n');
  other.close();
  other.close();
  assert.deepEqual([namespaces(prefix), processes(prefix), existsSync(`/run/fourlane-lab/${prefix}`)], [[], [], false]);
  assert.deepEqual(failing(await undisturbed(300, t)), [], 'the other lab is untouched');
});

test('an owner killed with SIGKILL: its processes die with it, the next start removes the rest; a living lab stays', async () => {
  const script =
    `import { Lab } from './src/lab/lab.ts'; const l = await Lab.start({ rate: 1 }); ` +
    `console.log(l.space.prefix); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: new URL('../..', import.meta.url) });
  const prefix = await new Promise<string>((r) => child.stdout.once('data', (d: Buffer) => r(String(d).trim())));
  assert.equal(namespaces(prefix).length, 9);
  child.kill('SIGKILL');
  await new Promise((r) => child.once('exit', r));
  await until('its processes have ended', 3000, () => processes(prefix).length === 0);
  assert.equal(namespaces(prefix).length, 9, 'namespaces outlive their owner');
  const next = await Lab.start({ rate: 1 });
  next.close();
  assert.deepEqual([namespaces(prefix), existsSync(`/run/fourlane-lab/${prefix}`)], [[], false]);
  assert.equal(namespaces(lab.space.prefix).length, 9);
  assert.ok(await call(lab.path('client.sock'), '/tally'));
});
