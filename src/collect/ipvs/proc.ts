/**
 * The files of /proc/net that ip_vs has. Formats: net/netfilter/ipvs/ip_vs_ctl.c; recordings of Linux 6.1 in test/fixtures/ipvs.
 * Numbers of the statistics are hexadecimal and may outgrow their columns.
 */
import { type Exact, exact } from '../../model/exact.ts';
import { FormatError } from '../format-error.ts';
import { hexHostPort } from './address.ts';
import type { Traffic } from '../service-metrics.ts';

export type Forward = 'Masq' | 'Route' | 'Tunnel' | 'Local' | 'Bypass';
const FORWARDS: ReadonlySet<string> = new Set<Forward>(['Masq', 'Route', 'Tunnel', 'Local', 'Bypass']);

export interface TableRealServer {
  /** `ip:port`. */
  readonly realServer: string;
  readonly forward: Forward;
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
}

export interface TableService {
  /** `TCP 192.0.2.10:80`, `FWM 6`: the family of a fwmark is not in this file. */
  readonly key: string;
  readonly scheduler: string;
  readonly persistent: boolean;
  readonly onePacket: boolean;
  readonly realServers: readonly TableRealServer[];
}

const TABLE = '/proc/net/ip_vs';

/** /proc/net/ip_vs. @throws FormatError */
export function parseTable(text: string): TableService[] {
  const services: (TableService & { realServers: TableRealServer[] })[] = [];
  const lines = text.split('\n');
  if (lines[0]?.startsWith('IP Virtual Server version') !== true) {
    throw new FormatError(TABLE, 0, lines[0] ?? '', 'IP Virtual Server version …');
  }
  for (let i = 3; i < lines.length; i++) {
    const line = lines[i]!;
    if (line === '') continue;
    if (line.startsWith('  -> ')) {
      const service = services.at(-1);
      const rs = parseRealServer(line);
      if (service === undefined || rs === undefined) {
        throw new FormatError(TABLE, i, line, 'address, forwarding method, weight and two connection counts under a service');
      }
      service.realServers.push(rs);
      continue;
    }
    const [protocol = '', address = '', scheduler = '', ...flags] = line.trim().split(/\s+/);
    const key = protocol === 'FWM' ? fwmark(address) : /^(TCP|UDP|SCTP)$/.test(protocol) ? hexHostPort(address) : undefined;
    if (key === undefined || scheduler === '') throw new FormatError(TABLE, i, line, 'protocol, address and scheduler');
    const persistent = flags.includes('persistent');
    services.push({ key: `${protocol} ${key}`, scheduler, persistent, onePacket: flags.includes('ops'), realServers: [] });
  }
  return services;
}

function fwmark(text: string): string | undefined {
  return /^[0-9A-F]{8}$/.test(text) ? String(Number.parseInt(text, 16)) : undefined;
}

function parseRealServer(line: string): TableRealServer | undefined {
  const [address = '', forward = '', ...numbers] = line.slice(5).trim().split(/\s+/);
  const realServer = hexHostPort(address);
  const [weight, active, inactive] = numbers.map((n) => (/^-?\d{1,10}$/.test(n) ? Number(n) : Number.NaN));
  if (realServer === undefined || !FORWARDS.has(forward) || numbers.length !== 3) return undefined;
  if (!(weight! >= 0) || !(active! >= 0) || !(inactive! >= 0)) return undefined;
  return { realServer, forward: forward as Forward, weight: weight!, active: active!, inactive: inactive! };
}

function hexTraffic(words: readonly string[]): Traffic | undefined {
  if (words.length !== 5 || !words.every((w) => /^[0-9A-F]{1,16}$/i.test(w))) return undefined;
  const [connections, inPackets, outPackets, inBytes, outBytes] = words.map((w) => exact(BigInt(`0x${w}`))) as [
    Exact,
    Exact,
    Exact,
    Exact,
    Exact,
  ];
  return { connections, inPackets, outPackets, inBytes, outBytes };
}

/** Totals of /proc/net/ip_vs_stats. @throws FormatError */
export function parseTotals(text: string): Traffic {
  const line = text.split('\n')[2] ?? '';
  const totals = hexTraffic(line.trim().split(/\s+/));
  if (totals === undefined) throw new FormatError('/proc/net/ip_vs_stats', 2, line, 'five hexadecimal numbers');
  return totals;
}

/**
 * Rows of /proc/net/ip_vs_stats_percpu by CPU. `ipvsadm -Z` zeroes the totals but not these, so neither can be had from the
 * other.
 * @throws FormatError
 */
export function parsePerCpu(text: string): Map<string, Traffic> {
  const rows = new Map<string, Traffic>();
  const lines = text.split('\n');
  for (let i = 2; i < lines.length; i++) {
    const [cpu = '', ...words] = lines[i]!.trim().split(/\s+/);
    if (cpu === '~') return rows;
    const traffic = hexTraffic(words);
    // The CPU's number is hexadecimal too.
    if (traffic === undefined || !/^[0-9A-F]{1,4}$/i.test(cpu)) break;
    rows.set(String(Number.parseInt(cpu, 16)), traffic);
  }
  throw new FormatError(
    '/proc/net/ip_vs_stats_percpu',
    rows.size + 2,
    lines[rows.size + 2] ?? '',
    'a CPU and five hexadecimal numbers',
  );
}
