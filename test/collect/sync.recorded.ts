/** Recordings of two kernels that synchronise: what is read of them, what agents answer, and what comes of a comparison. */
import { readFileSync } from 'node:fs';
import type { IpvsData } from '../../src/collect/ipvs/merge.ts';
import { ipvs } from '../../src/collect/ipvs.ts';
import { Output } from '../../src/collect/output.ts';
import type { PeerCompared } from '../../src/collect/sync.ts';
import { compareSync, viewOfReading } from '../../src/collect/sync/compare.ts';
import type { Family } from '../../src/model/family.ts';
import type { SyncAnswer } from '../../src/model/sync-answer.ts';
import { reportSync } from '../../src/report/sync.ts';
import { readingOf } from '../qemu/guest/lvs-texts.ts';

/** A recorded state, `1-200conns-no-data.m` and others; m is the master, b the backup. */
export function recordedSync(name: string): IpvsData {
  const text = readFileSync(new URL(`../fixtures/session-sync/${name}.txt`, import.meta.url), 'utf8');
  const part = (title: string) => new RegExp(`^## ${title}\n([^#]*)`, 'm').exec(text)?.[1] ?? '';
  return readingOf({ table: part('/proc/net/ip_vs'), daemons: part('ipvsadm --daemon'), udp: part('/proc/net/udp') });
}

/** What the collector ipvs exports of it. */
export function exportedOf(data: IpvsData): readonly Family[] {
  const output = new Output();
  output.take((samples) => ipvs.publish(data, samples));
  return output.families();
}

/** What an agent answers at /api/v1/sync. */
export const answerOf = (data: IpvsData, server: string): SyncAnswer => reportSync(server, exportedOf(data))!;

/** A backup beside its master, which has lost some on the way. */
export function recorded(): readonly PeerCompared[] {
  const [backup, master] = ['3b-link-up-again.b', '3b-link-up-again.m'].map((name) => viewOfReading(recordedSync(name)));
  return [{ server: 'lb-02', seen: compareSync(backup!, master!) }];
}
