/** What was read of keepalived as samples. Pure. */
import type { Samples } from '../collector.ts';
import type { Metric } from '../../model/family.ts';
import type { Details } from '../../keepalived/state/details.ts';
import type { DumpedInstance, Statistics } from '../../keepalived/state/dump.ts';
import type { LineKind } from './follower.ts';
import type { Entry } from './ledger.ts';
import * as m from './metrics.ts';
import { ENTERED, STATES } from '../../keepalived/state/notify.ts';
import type { Role } from './processes.ts';

export interface ProcessState {
  readonly role: Role;
  readonly up: boolean;
  readonly pidFile: boolean;
  /** Unix seconds. */
  readonly started?: number;
  readonly restarts: number;
}

export interface DumpState {
  readonly success: boolean;
  readonly ageMs: number;
  readonly tookMs: number;
  readonly instances: readonly DumpedInstance[];
  readonly details?: Details;
  /** The process that counted. */
  readonly epoch: string;
}

export interface InstanceState extends Entry {
  readonly name: string;
  /** From a line of the FIFO that came after the dump. */
  readonly priority?: number;
}

export interface KeepalivedData {
  readonly number: number;
  readonly processes: readonly ProcessState[];
  /** Unix seconds. */
  readonly loaded?: number;
  readonly reloads: number;
  readonly retries: { readonly empty: number; readonly torn: number };
  /** Left out when there is none to show: turned off, or of a process that has ended. */
  readonly dump?: DumpState;
  readonly fifo?: { readonly connected: boolean; readonly lines: Readonly<Record<LineKind, number>> };
  readonly missed: number;
  readonly instances: readonly InstanceState[];
  readonly groups: readonly InstanceState[];
}

export function publishKeepalived(data: KeepalivedData, samples: Samples): void {
  samples.gauge(m.PROCESSES, [], data.number);
  for (const one of data.processes) {
    samples.gauge(m.PROCESS_UP, [one.role], Number(one.up));
    samples.gauge(m.PID_FILE, [one.role], Number(one.pidFile));
    if (one.started !== undefined) samples.gauge(m.STARTED, [one.role], one.started);
    samples.counter(m.RESTARTS, [one.role], one.restarts);
  }
  if (data.loaded !== undefined) samples.gauge(m.LOADED, [], data.loaded);
  samples.counter(m.RELOADS, [], data.reloads);
  samples.counter(m.FIFO_MISSED, [], data.missed);
  if (data.fifo !== undefined) {
    samples.gauge(m.FIFO_CONNECTED, [], Number(data.fifo.connected));
    for (const [kind, lines] of Object.entries(data.fifo.lines)) samples.counter(m.FIFO_LINES, [kind], lines);
  }
  publishStates(data.instances, m.STATE, m.TRANSITIONS, samples);
  publishStates(data.groups, m.GROUP_STATE, m.GROUP_TRANSITIONS, samples);
  for (const { name, state, lastTransition, priority } of data.instances) {
    if (state === undefined) continue;
    if (lastTransition !== undefined) samples.gauge(m.LAST_TRANSITION, [name], lastTransition);
    if (priority !== undefined) samples.gauge(m.PRIORITY, [name, 'effective'], priority);
  }
  if (data.dump !== undefined) publishDump(data.dump, data, samples);
}

function publishDump(dump: DumpState, { retries, instances }: KeepalivedData, samples: Samples): void {
  samples.gauge(m.DUMP_SUCCESS, [], Number(dump.success));
  samples.gauge(m.DUMP_AGE, [], dump.ageMs / 1000);
  samples.gauge(m.DUMP_DURATION, [], dump.tookMs / 1000);
  for (const [found, times] of Object.entries(retries)) samples.counter(m.DUMP_RETRIES, [found], times);
  const newer = new Set(instances.filter((i) => i.priority !== undefined).map((i) => i.name));
  for (const i of dump.instances) publishInstance(i, dump, newer.has(i.name), samples);
  if (dump.details === undefined) return;
  const members = new Map([...dump.details.groups.keys()].map((g) => [g, 0]));
  for (const group of dump.details.groupOf.values()) members.set(group, (members.get(group) ?? 0) + 1);
  for (const [group, count] of members) samples.gauge(m.GROUP_MEMBERS, [group], count);
  for (const [script, good] of dump.details.scripts) samples.gauge(m.SCRIPT, [script], Number(good));
}

function publishInstance(i: DumpedInstance, { details, epoch }: DumpState, newerPriority: boolean, samples: Samples): void {
  const own = [i.name];
  samples.gauge(m.INFO, [i.name, i.interface, String(i.vrid), String(i.version), details?.groupOf.get(i.name) ?? ''], 1);
  samples.gauge(m.PRIORITY, [i.name, 'base'], i.basePriority);
  if (!newerPriority) samples.gauge(m.PRIORITY, [i.name, 'effective'], i.effectivePriority);
  if (i.masterPriority > 0) samples.gauge(m.PRIORITY, [i.name, 'master'], i.masterPriority);
  samples.gauge(m.ADDRESSES, [i.name, 'configured'], i.addresses);
  samples.gauge(m.ADDRESSES, [i.name, 'installed'], i.installed);
  samples.gauge(m.ADVERT_INTERVAL, own, i.advertInterval);
  const faults = details?.faults.get(i.name);
  if (faults !== undefined) samples.gauge(m.FAULTS, own, faults);
  const statistics = i.statistics;
  const pairs: readonly (readonly [Metric, string, number])[] = [
    [m.ADVERTS, 'received', statistics.advert_rcvd],
    [m.ADVERTS, 'sent', statistics.advert_sent],
    [m.PRIORITY_ZERO, 'received', statistics.pri_zero_rcvd],
    [m.PRIORITY_ZERO, 'sent', statistics.pri_zero_sent],
    [m.MASTER_CHANGES, 'become', statistics.become_master],
    [m.MASTER_CHANGES, 'release', statistics.release_master],
  ];
  for (const [metric, label, value] of pairs) samples.counter(metric, [i.name, label], value, epoch);
  for (const [key, error] of Object.entries(m.ERROR_NAMES)) {
    samples.counter(m.ERRORS, [i.name, error], statistics[key as keyof Statistics], epoch);
  }
}

function publishStates(all: readonly InstanceState[], state: Metric, transitions: Metric, samples: Samples): void {
  for (const { name, state: present, transitions: counts } of all) {
    if (present !== undefined) for (const each of STATES) samples.gauge(state, [name, each], Number(each === present));
    for (const to of ENTERED) samples.counter(transitions, [name, to], counts[to]);
  }
}
