/** Answers of `/tdlb/sync/…`, for a recorded process that had none. */
import { DROP_COLUMNS, ENTRY_COLUMNS, GAUGE_COLUMNS } from '../../src/collect/dpdk/sync.ts';
import type { FakeProcess } from './dpdk.fake.ts';

const COLUMNS = [...Object.keys(DROP_COLUMNS), ...Object.keys(ENTRY_COLUMNS), ...GAUGE_COLUMNS] as readonly string[];

/** Columns of these cores; each number is 100 × core + the place of its column. */
export function columnsOf(cores: readonly number[]): Readonly<Record<string, readonly number[]>> {
  return { lcore_ids: cores, ...Object.fromEntries(COLUMNS.map((name, k) => [name, cores.map((core) => 100 * core + k)])) };
}

/** What `columnsOf` has in a column. */
export const numberOf = (core: number, column: string) => 100 * core + COLUMNS.indexOf(column);

const peer = (id: number, more: object = {}) => ({
  id,
  address: `192.0.2.${id}`,
  state: 'up',
  config_revision: 'r7',
  last_rx_us: 1_790_000_000_000_000,
  last_tx_us: 1_790_000_000_000_000,
  rx_messages: 10 * id,
  rx_sessions: 0,
  rx_bytes: 0,
  rx_lost: 0,
  rx_bad: 0,
  tx_messages: 7,
  tx_sessions: 7,
  tx_bytes: 252,
  tx_errors: 0,
  sessions: 900 + id,
  lag_us: 1500,
  lag_max_us: 2000,
  ...more,
});

/** Server 3 of a cluster of three; cores 1 and 2 come in two pages, peer 2 is down and has another configuration. */
export function withSync(app: FakeProcess): void {
  const commands = ['info', 'lcore', 'peer', 'full'].map((name) => `/tdlb/sync/${name}`);
  app.change('/', (known: string[]) => [...known, ...commands]);
  const answer = (request: string, value: object) =>
    app.answers.set(request, JSON.stringify({ [request.split(',')[0]!]: value }));
  answer('/tdlb/sync/info', {
    schema: 1,
    epoch: 1_790_000_000_000_000,
    enabled: 1,
    sync_id: 3,
    lcore_ids: [1, 2],
    peer_ids: [1, 2],
    elapse_ms: 2000,
    flush_ms: 100,
    config_revision: 'r7',
    sessions_own: 1000,
    sessions_synced: 1903,
    sessions_max: 65_536,
  });
  answer('/tdlb/sync/lcore', columnsOf([1]));
  answer('/tdlb/sync/lcore,2', columnsOf([2]));
  answer('/tdlb/sync/lcore,3', columnsOf([]));
  answer('/tdlb/sync/peer,1', peer(1));
  answer('/tdlb/sync/peer,2', peer(2, { state: 'down', config_revision: 'r6', rx_lost: 5, last_rx_us: 0, tx_errors: 2 }));
  answer('/tdlb/sync/full', {
    state: 'receiving',
    peer_id: 1,
    started_us: 1_790_000_000_000_000,
    finished_us: 0,
    cores_total: 2,
    cores_done: 1,
    sessions_expected: 400,
    sessions_done: 300,
    dropped: 4,
    retries: 0,
    reason: '',
  });
}
