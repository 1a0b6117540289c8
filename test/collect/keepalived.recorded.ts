/** One reading of the keepalived collector, from recordings of 2.2.7. */
import { readFileSync } from 'node:fs';
import { parseDetails } from '../../src/keepalived/state/details.ts';
import { parseDump } from '../../src/keepalived/state/dump.ts';
import { Ledger } from '../../src/collect/keepalived/ledger.ts';
import type { KeepalivedData } from '../../src/collect/keepalived/publish.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/keepalived/${name}`, import.meta.url), 'utf8');

export function recorded(): KeepalivedData {
  const instances = parseDump(fixture('ka-steady.keepalived.json'));
  const ledger = new Ledger();
  ledger.reconcile(
    instances.map((i) => ({ ...i, masters: i.statistics.become_master })),
    true,
  );
  ledger.announce('VI_W', 'backup');
  return {
    number: 2,
    processes: [{ role: 'vrrp', up: true, pidFile: true, started: 1000.5, restarts: 0 }],
    loaded: 999,
    reloads: 3,
    retries: { empty: 1, torn: 2 },
    missed: 0,
    instances: [...ledger.entries()].map(([name, e]) => ({ name, ...e, ...(name === 'VI_W' && { priority: 1 }) })),
    groups: [],
    dump: {
      success: true,
      ageMs: 1500,
      tookMs: 3,
      instances,
      details: parseDetails(fixture('ka-steady.keepalived.data')),
      epoch: '1:2',
    },
    fifo: { connected: true, lines: { instance: 1, group: 0, priority: 0, event: 0, checker: 0, repeated: 0, other: 0 } },
  };
}
