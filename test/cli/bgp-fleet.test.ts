/** `fourlane bgp drain` and `restore` with a cluster: etcd in memory, no routing daemon. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bgpCommand } from '../../src/cli/bgp.ts';
import { askToDrain, Denied, endDrainOf, type FleetDoor } from '../../src/cli/bgp-fleet.ts';
import { decideDrain, endDrain } from '../../src/cluster/budget/drain.ts';
import { FIRST_RULES } from '../../src/cluster/budget/asks.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import type { Plan } from '../../src/model/plan.ts';
import { MemoryStore } from '../cluster/memory-store.ts';

const AT = '2026-11-28T12:00:00.000Z';
const POOL = '10.0.0.0/24';
const calendar = { lastBegun: () => undefined } as never;
const PLAN = {
  server: 'lb-1',
  cluster: 'edge',
  collectors: {},
  nics: [],
  services: [],
  targets: [],
  snat: { pool: POOL, servers: 16, cores: 16, server: 1, groups: {}, announce: ['server', 'cluster'] },
} as unknown as Plan;

interface World {
  readonly servers?: readonly string[];
  /** Servers whose key is missing. */
  readonly absent?: readonly string[];
  readonly prefixes?: readonly string[];
}

function fleet({ servers = ['lb-1', 'lb-2', 'lb-3'], absent = [], prefixes = [POOL] }: World = {}) {
  const store = new MemoryStore();
  for (const server of servers) {
    store.put('roster', [server], { ring: 'r' });
    if (absent.includes(server)) continue;
    store.put('member', [server], { boot: `boot-${server}`, version: '1', addresses: [], ready: true, prefixes: [...prefixes] });
  }
  store.put('budgetRule', ['server'], FIRST_RULES.server);
  const door: FleetDoor = { store, by: 'ops@lb-1', calendar, close: () => Promise.resolve() };
  return { store, door };
}

const nothing = () => undefined;
const drain = (door: FleetDoor, plan = PLAN) => askToDrain(plan, door, nothing);
const holder = (store: MemoryStore, server: string) => store.state.budgetHolder.get('server')?.get(server)?.value;

test('a slot of the budget of servers is held from drain to restore', async () => {
  const { store, door } = fleet();
  await drain(door);
  assert.partialDeepStrictEqual(holder(store, 'lb-1'), { subjects: ['drain'], why: 'drained by ops@lb-1', boot: 'boot-lb-1' });
  await drain(door);
  assert.deepEqual(holder(store, 'lb-1')?.subjects, ['drain'], 'asked for again, it is held as before');
  await endDrainOf(PLAN, door);
  assert.equal(holder(store, 'lb-1'), undefined);
  await endDrainOf(PLAN, door);
});

test('what else the agent holds stays held', async () => {
  const { store, door } = fleet();
  store.put('budgetHolder', ['server', 'lb-1'], {
    by: 'lb-1',
    at: AT,
    why: 'ill',
    boot: 'b',
    subjects: ['server'],
    state: 'acted',
  });
  await drain(door);
  assert.deepEqual(holder(store, 'lb-1')?.subjects, ['server', 'drain']);
  await endDrainOf(PLAN, door);
  assert.deepEqual(holder(store, 'lb-1')?.subjects, ['server']);
});

test('denied while another one is drained, gone, or in maintenance; who is first wins', async () => {
  const { door } = fleet();
  await drain({ ...door, by: 'ops' }, { ...PLAN, server: 'lb-2' });
  await assert.rejects(drain(door), (error) => error instanceof Denied && /1 of at most 1 are gone: lb-2/.test(error.message));
  const gone = fleet({ absent: ['lb-3'] });
  await assert.rejects(drain(gone.door), /1 of at most 1 are gone: lb-3/);
  const planned = fleet();
  const subject = { server: 'lb-2' };
  planned.store.put('maintenance', ['m1'], { by: 'ops', at: AT, why: 'disks', subject });
  await assert.rejects(drain(planned.door), /1 of at most 1 are gone: lb-2/);
  const race = fleet();
  let first = true;
  race.store.before = () => {
    if (!first) return;
    first = false;
    const other = decideDrain(race.store.state, { server: 'lb-3', by: 'x', at: AT, now: 0, calendar });
    if (other.granted) void race.store.commit(other.txn);
  };
  await assert.rejects(drain(race.door), /1 of at most 1 are gone: lb-3/);
  assert.equal(endDrain(race.store.state, 'lb-1'), undefined);
});

test('S13: denied unless another server that serves announces the cluster prefix', async () => {
  await assert.rejects(
    drain(fleet({ prefixes: [] }).door),
    /^Error: S13 10\.0\.0\.0\/24 is announced by no other server; known: lb-2, lb-3/,
  );
  await assert.rejects(drain(fleet({ servers: ['lb-1'] }).door), /S13 .* known: none/);
  const unplanned = { ...PLAN, snat: { ...PLAN.snat!, announce: ['server'] } } as Plan;
  await drain(fleet({ prefixes: [] }).door, unplanned);
  const { snat: _, ...plain } = PLAN;
  await drain(fleet({ prefixes: [] }).door, plain as Plan);
});

test('etcd that does not answer denies', async () => {
  const { door } = fleet();
  const fails = () => Promise.reject(new FourlaneError('CLUSTER_UNREACHABLE', 'no member answers'));
  await assert.rejects(
    drain({ ...door, store: { ...door.store, read: fails, commit: fails } }),
    (error) => error instanceof Denied && error.message === 'no member answers',
  );
});

const dir = mkdtempSync(join(tmpdir(), 'fourlane-bgp-fleet-'));
after(() => rmSync(dir, { recursive: true }));

test('the command: 2 when the fleet denies, and nothing is touched; --alone asks nobody', async () => {
  const file = join(dir, 'fourlane.yaml');
  const tls = { ca: join(dir, 'ca'), cert: join(dir, 'cert'), key: join(dir, 'key') };
  for (const path of Object.values(tls)) writeFileSync(path, '');
  const config = {
    server: 'lb-1',
    stateDir: dir,
    cluster: { name: 'edge', etcd: { endpoints: ['https://192.0.2.1:2379'], tls } },
    nics: [{ name: 'eth0' }],
    bgp: { uplinks: [{ nic: 'eth0', peer: '192.0.2.1' }] },
    collectors: { bgp: { frr: join(dir, 'frr'), bird: false }, ipvs: false },
  };
  writeFileSync(file, JSON.stringify(config));
  const { door } = fleet({ absent: ['lb-2'] });
  let closed = 0;
  const open = () => ({ ...door, close: async () => void closed++ });
  const said: string[] = [];
  const io = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) };
  const run = (...more: string[]) => bgpCommand(['drain', '--config', file, '--graceful', '0s', ...more], io, open);
  assert.equal(await run(), 2, said.join(''));
  assert.deepEqual([said.splice(0), closed], [['budget "server": 1 of at most 1 are gone: lb-2\n'], 1]);
  assert.equal(await run('--alone'), 1);
  assert.deepEqual([said, closed], [[`no routing daemon: there is no ${dir}/frr/bgpd.vty\n`], 1]);
});
