/** The answer of `/api/v1/sync`, from what the collector ipvs exports. Pure. */
import type { Family } from '../model/family.ts';
import type { SyncAnswer } from '../model/sync-answer.ts';

interface Series {
  readonly label: (name: string) => string;
  readonly value: number;
}

/** @returns undefined when kernel LVS has not been read here */
export function reportSync(server: string, families: readonly Family[]): SyncAnswer | undefined {
  const running = seriesOf(families, 'fourlane_ipvs_sync_daemon_running');
  if (running.length === 0) return undefined;
  const active = seriesOf(families, 'fourlane_real_server_active_connections').filter(({ label }) => label('source') === 'ipvs');
  const dropped = seriesOf(families, 'fourlane_ipvs_sync_dropped_total').reduce((sum, { value }) => sum + value, 0);
  return {
    server,
    daemons: running
      .filter(({ value }) => value === 1)
      .map(({ label }) => ({ role: label('role') as 'master' | 'backup', syncId: label('sync_id') })),
    dropped,
    services: [...Map.groupBy(active, ({ label }) => label('service'))].map(([service, rows]) => ({
      service,
      realServers: rows.map(({ label }) => label('real_server')),
      active: rows.map(({ value }) => value),
    })),
  };
}

function seriesOf(families: readonly Family[], name: string): readonly Series[] {
  return families
    .filter((family) => family.name === name)
    .flatMap(({ labelNames, rows, values }) =>
      rows.map((row, k) => ({ label: (wanted: string) => row[labelNames.indexOf(wanted)] ?? '', value: Number(values[k]) })),
    )
    .filter(({ value }) => !Number.isNaN(value));
}
