/** One reading of the ipvs collector, from recordings of Linux 6.1. */
import { readFileSync } from 'node:fs';
import { parseCounters, parseDaemons } from '../../src/collect/ipvs/listing.ts';
import { type IpvsData, mergeServices } from '../../src/collect/ipvs/merge.ts';
import { parseSyncSockets } from '../../src/collect/ipvs/sync.ts';
import { parsePerCpu, parseTable, parseTotals } from '../../src/collect/ipvs/proc.ts';

export const recording = (name: string) => readFileSync(new URL(`../fixtures/ipvs/${name}`, import.meta.url));
const text = (name: string) => recording(name).toString('latin1');

export function recorded(): IpvsData {
  return {
    services: mergeServices(parseCounters(text('ipvsadm_Ln_stats_exact.txt')), parseTable(text('proc_ip_vs.txt'))),
    totals: parseTotals(text('proc_ip_vs_stats.txt')),
    cpus: parsePerCpu(text('proc_ip_vs_stats_percpu.txt')),
    daemons: parseDaemons(text('ipvsadm_Ln_daemon.txt')),
    sync: ['master', 'backup-flooded'].flatMap((name) => parseSyncSockets(text(`proc_net_udp.${name}.txt`))),
  };
}
