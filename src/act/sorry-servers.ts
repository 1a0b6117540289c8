/** Which services have a sorry server, and whether it is in the place of their real servers. */
import { type Family, family, gauge } from '../model/family.ts';
import { type Entry, heldIn } from './entry.ts';
import { valueOf } from './value.ts';

const IN_PLACE = gauge(
  'service_sorry_server',
  'Whether the sorry server is in the place of the real servers, since the quorum is lost; of services that have one.',
  ['service'],
);

/** @param entries everything that is wanted now */
export function sorryServers(entries: Iterable<Entry>): Family {
  const rows: string[][] = [];
  const values: number[] = [];
  for (const entry of entries) {
    const { wanted } = entry;
    if (wanted.entries?.lvs.sorry === undefined) continue;
    rows.push([wanted.service!]);
    values.push(Number(heldIn(entry) === valueOf({ ...wanted, sorry: true })));
  }
  return family(IN_PLACE, rows, values);
}
