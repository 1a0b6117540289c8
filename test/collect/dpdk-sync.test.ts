/** Session synchronisation of a DPDK application from made-up answers. The real one: test/system/dpdk.test.ts. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DROP_COLUMNS, ENTRY_COLUMNS } from '../../src/collect/dpdk/sync.ts';
import { Collecting, FakeProcess, runtimeDirectory } from './dpdk.fake.ts';
import { columnsOf, numberOf, withSync } from './dpdk-sync.fake.ts';

describe('session synchronisation of a DPDK application', () => {
  let directory: ReturnType<typeof runtimeDirectory>;
  let app: FakeProcess;
  let collecting: Collecting;
  const value = (name: string, ...labels: string[]) => collecting.value(`session_sync_${name}`, 'tdlb', ...labels);
  const read = async () => {
    const reading = await collecting.read();
    assert.equal(reading.state, 'data', 'reason' in reading ? reading.reason : '');
  };

  beforeEach(() => {
    directory = runtimeDirectory();
    app = new FakeProcess(directory.path, 'tdlb', 'lcorelat-25.11');
    collecting = new Collecting({ directories: [directory.path] });
  });
  afterEach(async () => {
    await collecting.source.close();
    app.server.close();
    directory.remove();
  });

  it('is not asked for where the application has no such commands', async () => {
    await read();
    assert.equal(value('enabled'), undefined);
    assert.ok(app.asked.every((request) => !request.includes('/sync/')));
  });

  it('exports every column of every core, page by page', async () => {
    withSync(app);
    await read();
    for (const core of [1, 2]) {
      for (const [column, stage] of Object.entries(DROP_COLUMNS))
        assert.equal(value('dropped_total', String(core), stage), numberOf(core, column), column);
      for (const [column, [direction, kind]] of Object.entries(ENTRY_COLUMNS))
        assert.equal(value('entries_total', String(core), direction, kind), numberOf(core, column), column);
      assert.equal(value('queue_depth', String(core), 'out'), numberOf(core, 'tx_ring_used'));
      assert.equal(value('queue_capacity', String(core), 'in'), numberOf(core, 'rx_ring_capacity'));
      assert.equal(value('oldest_seconds', String(core)), numberOf(core, 'tx_oldest_us') / 1e6);
    }
  });

  it('exports sessions, peers and the full synchronisation', async () => {
    withSync(app);
    await read();
    assert.deepEqual([value('sessions', '3', 'own'), value('sessions', '3', 'synced')], [1000, 1903]);
    assert.deepEqual([value('peer_sessions', '1'), value('peer_sessions', '2')], [901, 902]);
    assert.deepEqual(
      [value('peer_state', '1', 'up'), value('peer_state', '2', 'up'), value('peer_state', '2', 'down')],
      [1, 0, 1],
    );
    assert.deepEqual([value('config_matches', '1'), value('config_matches', '2')], [1, 0]);
    assert.equal(value('last_received_timestamp_seconds', '1'), 1_790_000_000);
    assert.equal(value('last_received_timestamp_seconds', '2'), undefined, 'never heard');
    assert.deepEqual([value('lost_messages_total', '2'), value('bad_messages_total', '2', 'out')], [5, 2]);
    assert.deepEqual(
      [value('full_progress_ratio', '1'), value('full_state', 'receiving'), value('full_state', 'done')],
      [0.75, 1, 0],
    );
    assert.equal(value('full_dropped_sessions', '1'), 4);
  });

  it('counters go on when the application starts again', async () => {
    withSync(app);
    await read();
    const before = value('dropped_total', '1', 'tx_ring')!;
    app.change('/tdlb/sync/info', (info: object) => ({ ...info, epoch: 1_790_000_000_000_001 }));
    app.change('/tdlb/sync/lcore', () => ({ ...columnsOf([1]), tx_dropped_ring: [2] }));
    await read();
    assert.equal(value('dropped_total', '1', 'tx_ring'), before + 2);
  });

  for (const [what, request, edit, says] of [
    ['a column too short', '/tdlb/sync/lcore', (c: object) => ({ ...c, tx_new: [] }), /every column must be as long/],
    ['a column missing', '/tdlb/sync/lcore', ({ tx_new: _, ...c }: Record<string, unknown>) => c, /tx_new is missing/],
    ['another schema', '/tdlb/sync/info', (c: object) => ({ ...c, schema: 2 }), /only schema 1 is known/],
    ['a state nobody knows', '/tdlb/sync/peer,2', (c: object) => ({ ...c, state: 'perhaps' }), /state is perhaps/],
    ['a peer that is refused', '/tdlb/sync/peer,1', () => null, /answered null/],
  ] as const)
    it(`${what}: nothing of synchronisation is shown, the rest is`, async () => {
      withSync(app);
      app.change(request, edit as (value: never) => unknown);
      await read();
      assert.equal(value('enabled'), undefined);
      assert.equal(collecting.value('dpdk_part_success', 'tdlb', 'sync'), 0);
      assert.equal(collecting.value('dpdk_part_success', 'tdlb', 'contract'), 1);
      assert.match(collecting.logged.at(-1)!, says);
    });

  it('pages that never end are given up', async () => {
    withSync(app);
    app.reply = (request, peer) => {
      const from = /^\/tdlb\/sync\/lcore(?:,(\d+))?$/.exec(request);
      peer.send(from === null ? app.answer(request) : JSON.stringify({ '/tdlb/sync/lcore': columnsOf([Number(from[1] ?? 0)]) }));
    };
    await read();
    assert.equal(app.asked.filter((request) => request.startsWith('/tdlb/sync/lcore')).length, 513);
    assert.equal(value('enabled'), 1);
  });
});
