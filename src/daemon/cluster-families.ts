/** Series of the connection to etcd: whether it is there, how old what is known is, and what came of it. */
import type { ClusterThread } from '../cluster/thread/cluster-thread.ts';
import { counter, type Family, family, gauge, type Metric, ONE_ROW } from '../model/family.ts';

const CONNECTED = gauge('cluster_connected', '1 while what is known of etcd is complete and followed.');
const STALE = gauge('cluster_stale_seconds', 'Age of what is known of etcd: 0 while it is followed.');
const CONNECTS = counter('cluster_connects_total', 'Connections to members of etcd that were tried.');
const RESTARTS = counter('cluster_restarts_total', 'Restarts of the thread that talks to etcd after it failed.');
const KEYS = gauge('cluster_keys', 'Keys of etcd that are followed, by what they are.', ['range']);
const REVISION = gauge('cluster_revision', 'Revision of etcd up to which everything is known.', ['range']);
const CHANGES = counter('cluster_changes_total', 'Changes that etcd reported one by one.', ['range']);
const SNAPSHOTS = counter(
  'cluster_snapshots_total',
  'Times that a range was read as a whole: at the start, after compaction, from another or restored etcd.',
  ['range'],
);
const NOT_AFTER = gauge(
  'cluster_certificate_not_after_timestamp_seconds',
  'End of the validity of the client certificate that is used with etcd.',
);
const HELD = gauge('cluster_lease_held', '1 while everything that is under our lease is in etcd.');
const LOST = counter('cluster_leases_lost_total', 'Leases that etcd ended although we live; each is replaced at once.');

type Shown = Pick<ClusterThread, 'names' | 'standing' | 'lease' | 'staleSince' | 'restarts'>;

/** @param now monotonic ms */
export function clusterFamilies(thread: Shown, now: number): readonly Family[] {
  const { standing, lease, staleSince, restarts } = thread;
  const one = (metric: Metric, value: number) => family(metric, ONE_ROW, [value]);
  const rows = thread.names.map((name) => [name]);
  const each = (metric: Metric, value: (range: NonNullable<typeof standing>['ranges'][number]) => number) =>
    family(metric, standing === undefined ? [] : rows, standing?.ranges.map(value) ?? []);
  const notAfter = standing?.notAfter ?? 0;
  return [
    one(CONNECTED, Number(staleSince === undefined)),
    one(STALE, staleSince === undefined ? 0 : Math.max(0, now - staleSince) / 1000),
    one(CONNECTS, standing?.connects ?? 0),
    one(RESTARTS, restarts),
    each(KEYS, ({ keys }) => keys),
    each(REVISION, ({ revision }) => revision),
    each(CHANGES, ({ tally }) => tally.changes),
    each(SNAPSHOTS, ({ tally }) => tally.snapshots),
    one(NOT_AFTER, notAfter === 0 ? Number.NaN : notAfter / 1000),
    one(HELD, lease === undefined ? Number.NaN : Number(lease.held)),
    one(LOST, lease === undefined ? Number.NaN : lease.lost),
  ];
}
