/**
 * The nic collector of a running agent against what `ip` shows. In a network of its own; needs root. Bonds: recordings,
 * test/collect.
 */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensure } from '../../src/lab/ensure.ts';
import { AgentProcess, enterOwnNetwork, metricOf, run, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-nic-collector-'));
const LIMIT = { timeout: 30_000 };
let agent: AgentProcess;

interface Link {
  readonly stats64: Readonly<Record<'rx' | 'tx', Readonly<Record<'bytes' | 'packets' | 'errors' | 'dropped', number>>>>;
}

const link = (device: string) => (JSON.parse(run(`ip -s -j link show dev ${device}`)) as Link[])[0]!;

function plug(): void {
  run('ip link add one type veth peer name one netns far');
  for (const where of ['', '-n far ']) {
    run(`ip ${where}link set one addrgenmode none`);
    run(`ip ${where}link set one up`);
  }
  run('ip address add 10.95.1.1/24 dev one');
  run('ip -n far address add 10.95.1.2/24 dev one');
}

before(async () => {
  ensure(['iproute2']);
  enterOwnNetwork();
  run('ip netns add far');
  plug();
  run('ip link add base type veth peer name base netns far');
  run('ip link add br0 type bridge');
  run('ip link set base master br0');
  run('ip link add four numrxqueues 4 numtxqueues 4 type veth peer name four netns far');
  run('ip link add link br0 name vlan7 type macvlan');
  // Many others on the same bridge, as VLANs of tenants are.
  run('ip -batch -', Array.from({ length: 300 }, (_, i) => `link add link br0 name tenant${i} type macvlan\n`).join(''));
  agent = await AgentProcess.start(
    writeConfig(dir, {
      listen: '127.0.0.1:0',
      stateDir: join(dir, 'state'),
      nics: [{ name: 'one' }, { name: 'up2', device: 'vlan7' }, { name: 'none' }, { name: 'four' }],
      collectors: { nic: { interval: '200ms' }, control: { interval: '200ms', ports: [9] } },
    }),
  );
  await until('the first reading', 5000, async () => (await agent.metric('fourlane_nic_info')) === 4);
});
after(async () => {
  await agent?.end();
  rmSync(dir, { recursive: true });
});

/** Sends datagrams of 1000 bytes to the far end of `one`, which has nobody to take them. */
async function send(count: number): Promise<void> {
  const socket = createSocket('udp4');
  const payload = Buffer.alloc(1000);
  for (let i = 0; i < count; i++) await new Promise((done) => socket.send(payload, 9, '10.95.1.2', done));
  socket.close();
}

const state = (nic: string) => async (wanted: string) =>
  (await agent.metric('fourlane_nic_operstate', `nic="${nic}"`, `state="${wanted}"`)) === 1;

const COUNTERS = ['rx', 'tx'].flatMap((d) =>
  (['bytes', 'packets', 'errors', 'dropped'] as const).map((what) => [d, what] as const),
);

/** What `ip` shows of a device, by `rx_bytes` and so on. */
function kernel(device: string): Record<string, number> {
  const { stats64 } = link(device);
  return Object.fromEntries(COUNTERS.map(([d, what]) => [`${d}_${what}`, stats64[d as 'rx' | 'tx'][what]]));
}

async function shown(nic: string): Promise<Record<string, number | undefined>> {
  const { text } = await agent.ask('/metrics');
  const names = COUNTERS.map(([d, what]) => `${d}_${what}`);
  return Object.fromEntries(names.map((n) => [n, metricOf(text, `fourlane_nic_${n}_total`, `nic="${nic}"`)]));
}

/** Waits until each counter of the NIC is what the kernel shows, and what it was `before`. */
const equal = (nic: string, before: Readonly<Record<string, number | undefined>> = {}) =>
  until('counters are equal', 5000, async () => {
    const sum = Object.entries(kernel(nic)).map(([name, now]) => [name, now + (before[name] ?? 0)]);
    assert.deepEqual(await shown(nic), Object.fromEntries(sum));
    return true;
  });

test('packets, bytes, errors and drops are those of ip -s link', LIMIT, async () => {
  assert.ok(await state('one')('up'));
  await send(20);
  assert.ok(link('one').stats64.tx.packets >= 20);
  await equal('one');
});

test('what a NIC is stacked on is followed, the other 300 devices there are not', LIMIT, async () => {
  const { text } = await agent.ask('/metrics');
  const members = text.split('\n').filter((l) => l.startsWith('fourlane_nic_member_info{'));
  assert.deepEqual(
    members.map((l) => /member="([^"]*)",kind="([^"]*)"/.exec(l)?.slice(1)),
    [
      ['br0', 'stack'],
      ['base', 'stack'],
    ],
  );
  assert.doesNotMatch(text, /tenant/);
  assert.equal(await agent.metric('fourlane_nic_speed_bytes_per_second'), undefined, 'veth has no speed');
});

test('control traffic: queues as ethtool has them; veth has neither an RSS table nor rules', LIMIT, async () => {
  const present = async (family: string) => {
    const { text } = await agent.ask('/metrics');
    const lines = text.split('\n').filter((line) => line.startsWith(`${family}{`) && line.endsWith(' 1'));
    return lines.map((line) => [...line.matchAll(/(?:nic|part|state)="([^"]*)"/g)].map(([, value]) => value).join(' '));
  };
  await until('the first reading', 5000, async () => (await present('fourlane_control_part_state')).length === 4);
  assert.deepEqual(await present('fourlane_control_path_state'), ['one one_queue', 'up2 unknown', 'none unknown', 'four shared']);
  const parts = ['steering data', 'kernel_end absent', 'sockets absent', 'numa absent'];
  assert.deepEqual(await present('fourlane_control_part_state'), parts);
});

test('CPUs are those of the machine, and they take packets', LIMIT, async () => {
  const rows = readFileSync('/proc/net/softnet_stat', 'latin1').trim().split('\n').length;
  const { text } = await agent.ask('/metrics');
  assert.equal(text.split('\n').filter((l) => l.startsWith('fourlane_softnet_packets_total{')).length, rows);
  const packets = () => agent.metric('fourlane_softnet_packets_total');
  const before = (await packets())!;
  await send(20);
  await until('20 more packets', 3000, async () => (await packets())! >= before + 20);
});

test('cable cut: state and carrier losses, short ones too', LIMIT, async () => {
  const losses = () => agent.metric('fourlane_nic_carrier_losses_total', 'nic="one"');
  const before = (await losses())!;
  run('ip -n far link set one down');
  await until('down', 3000, () => state('one')('down'));
  run('ip -n far link set one up');
  await until('up', 3000, () => state('one')('up'));
  assert.equal(await losses(), before + 1);
});

test('gone and made anew: absent, then counted on from where it was', LIMIT, async () => {
  await equal('one');
  const before = kernel('one');
  run('ip link del one');
  await until('absent', 3000, () => state('one')('absent'));
  assert.equal(await agent.metric('fourlane_nic_rx_packets_total', 'nic="one"'), undefined);
  plug();
  await until('up', 3000, () => state('one')('up'));
  await send(5);
  await equal('one', before);
  assert.ok(await state('none')('absent'), 'one that never was');
  assert.equal(await agent.metric('fourlane_collector_success', 'collector="nic"'), 1);
});
