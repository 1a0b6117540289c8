/** What was read of the NICs as samples. Pure. */
import type { CollectedNic, Samples } from '../collector.ts';
import type { Metric } from '../../model/family.ts';
import { type Bond, MII_STATES } from './bonding.ts';
import { type Device, OPERSTATES, type Statistic } from './device.ts';
import { carriesTraffic, hasPartner, LACP_STATES, lacpState } from './lacp.ts';
import * as m from './metrics.ts';
import type { Softnet } from './softnet.ts';
import type { Stack } from './stack.ts';

export interface ReadNic {
  readonly nic: CollectedNic;
  readonly stack: Stack;
}

export interface NicData {
  readonly nics: readonly ReadNic[];
  readonly softnet: readonly Softnet[];
}

/** Bytes per second of a Mbit/s. */
const MBIT = 125_000;

export function publishNics({ nics, softnet }: NicData, samples: Samples): void {
  for (const read of nics) publishNic(read, samples);
  for (const { cpu, processed, dropped, squeezed } of softnet) {
    const core = [String(cpu)];
    samples.counter(m.SOFTNET_PACKETS, core, processed);
    samples.counter(m.SOFTNET_DROPPED, core, dropped);
    samples.counter(m.SOFTNET_SQUEEZED, core, squeezed);
  }
}

function publishNic({ nic, stack }: ReadNic, samples: Samples): void {
  const { device, members, bonds } = stack;
  const own = [nic.name];
  samples.gauge(m.INFO, [nic.name, nic.device, device?.driver ?? '', nic.dataplane ?? ''], 1);
  states(samples, m.OWN.operstate, own, [...OPERSTATES, 'absent'], device?.operstate ?? 'absent');
  if (device === undefined) return;
  publishDevice(device, m.OWN, own, samples);
  samples.gauge(m.MTU, own, device.mtu);
  samples.gauge(m.QUEUES, [nic.name, 'rx'], device.queues.rx);
  samples.gauge(m.QUEUES, [nic.name, 'tx'], device.queues.tx);
  for (const { device: below, kind } of members) {
    const labels = [nic.name, below.name];
    samples.gauge(m.MEMBER_INFO, [...labels, kind, below.driver ?? ''], 1);
    states(samples, m.BELOW.operstate, labels, OPERSTATES, below.operstate);
    publishDevice(below, m.BELOW, labels, samples);
    if (below.carrier !== undefined) samples.gauge(m.MEMBER_CARRIER, labels, below.carrier);
  }
  const epochs = new Map(members.map((x) => [x.device.name, x.device.ifindex]));
  for (const bond of bonds) publishBond(nic.name, bond, epochs, samples);
}

function publishDevice(device: Device, metrics: m.DeviceMetrics, labels: readonly string[], samples: Samples): void {
  const { ifindex, speed, duplex, carrierLosses } = device;
  samples.gauge(metrics.adminUp, labels, Number(device.adminUp));
  if (speed !== undefined) samples.gauge(metrics.speed, labels, speed * MBIT);
  if (duplex !== undefined) states(samples, metrics.duplex, labels, ['full', 'half'], duplex);
  if (carrierLosses !== undefined) samples.counter(metrics.losses, labels, carrierLosses, ifindex);
  for (const [key, value] of Object.entries(device.statistics)) {
    samples.counter(metrics.statistics[key as Statistic], labels, value, ifindex);
  }
}

function publishBond(nic: string, bond: Bond, epochs: ReadonlyMap<string, number>, samples: Samples): void {
  const own = [nic, bond.name];
  samples.gauge(m.BOND_INFO, [...own, bond.mode], 1);
  states(samples, m.BOND_MII, own, MII_STATES, bond.mii);
  samples.gauge(m.BOND_MEMBERS, own, bond.members.length);
  const carrying = bond.members.map((member) => carriesTraffic(bond, member));
  if (!carrying.includes(undefined)) samples.gauge(m.BOND_ACTIVE, own, carrying.filter(Boolean).length);
  const partner = hasPartner(bond);
  if (partner !== undefined) samples.gauge(m.BOND_PARTNER, own, Number(partner));
  for (const [i, member] of bond.members.entries()) {
    const labels = [nic, member.name];
    states(samples, m.MEMBER_MII, labels, MII_STATES, member.mii);
    const carries = carrying[i];
    if (carries !== undefined) samples.gauge(m.MEMBER_ACTIVE, labels, Number(carries));
    samples.counter(m.MEMBER_FAILURES, labels, member.linkFailures, epochs.get(member.name));
    const lacp = lacpState(bond, member);
    if (lacp !== undefined) states(samples, m.MEMBER_LACP, labels, LACP_STATES, lacp);
    if (member.churned !== undefined) samples.gauge(m.MEMBER_CHURNED, labels, Number(member.churned));
  }
}

/** One series for each state, 1 for the present one. */
function states(samples: Samples, metric: Metric, labels: readonly string[], all: readonly string[], present: string): void {
  for (const state of all) samples.gauge(metric, [...labels, state], Number(state === present));
}
