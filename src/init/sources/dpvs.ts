/** DPVS, through its control socket: services, ports, bonds, local addresses and routes. The collector asks. */
import { dpvs as collector } from '../../collect/dpvs.ts';
import type { DpvsData, ServiceReading } from '../../collect/dpvs/data.ts';
import { interfacesOf } from '../../collect/dpvs/carrier.ts';
import type { Dest } from '../../collect/dpvs/services.ts';
import { blockSchema } from '../../collect/settings.ts';
import type { CollectorSpec } from '../../model/plan.ts';
import { plural } from '../plural.ts';
import type { DataplaneGateway } from '../ports.ts';
import { compare, type FoundRealServer, type FoundService, type LeftOut, withoutZeroPort } from '../services.ts';
import type { Facts, Look, Machine, Source } from '../source.ts';

const ORIGIN = 'DPVS';
const DEFAULT_SOCKET = '/var/run/dpvs.ipc';
/** All services in one reading. */
const MOST_SERVICES = 100_000;

/** Where DPVS listens: as its own tools are told, as it was started with, or its default. */
async function socketOf({ host, env }: Machine): Promise<string> {
  const told = env['DPVS_IPC_FILE'];
  if (told !== undefined && told !== '') return told;
  for (const pid of await host.processes('dpvs')) {
    const argv = (await host.read(`/proc/${pid}/cmdline`).catch(() => undefined))?.split('\0') ?? [];
    const at = argv.findIndex((word) => word === '-x' || word === '--ipc-file');
    if (at >= 0 && argv[at + 1]) return argv[at + 1]!;
  }
  return DEFAULT_SOCKET;
}

function realServerOf({ realServer, weight, forward, inhibited }: Dest): FoundRealServer {
  const why =
    inhibited === true ? 'a checker keeps it out now' : weight === 0 ? 'weight 0: write the weight it normally has' : '';
  return {
    address: withoutZeroPort(realServer),
    weight,
    origin: `${ORIGIN} (${forward})`,
    ...(why === '' ? {} : { remark: why }),
  };
}

function serviceOf(service: ServiceReading, data: DpvsData, devices: ReadonlyMap<string, string>): FoundService {
  const local = data.details.local.find((each) => each.service === service.service)?.addresses ?? [];
  const localDevices = [...new Set(local.flatMap(({ address }) => devices.get(address) ?? []))].sort();
  const { vip, scheduler, checks, realServers } = service;
  const external =
    checks === undefined || checks.external.length === 0 ? [] : [`DPVS wants ${checks.external.join(', ')} checks`];
  return {
    vip,
    origin: ORIGIN,
    remarks: [`scheduler ${scheduler}${checks?.passive === true ? ', passive check by DPVS' : ''}`, ...external],
    realServers: realServers.map(realServerOf).sort((a, b) => compare(a.address, b.address)),
    actuator: 'to act: {dpvs: {url: ...}}, with the address of dpvs-agent',
    localDevices,
  };
}

function leftOut(services: readonly ServiceReading[]): LeftOut[] {
  return services
    .filter(({ match }) => match)
    .map(({ service }) => ({ text: `${service}: SNAT: behind it are own addresses, no real servers`, origin: ORIGIN }));
}

function gateways({ details: { routes } }: DpvsData): DataplaneGateway[] {
  return routes
    .filter(({ gateway }) => gateway !== '0.0.0.0' && gateway !== '::')
    .map(({ device, gateway }) => ({ device, gateway }))
    .sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : compare(a.gateway, b.gateway)));
}

async function look(machine: Machine): Promise<Look> {
  const socket = await socketOf(machine);
  const settings = { socket, servicesPerReading: MOST_SERVICES, extra: ['routes'], timeout: '60s' };
  const reading = await machine.host.collect('dpvs', blockSchema(collector).parse(settings) as CollectorSpec, []);
  if (reading.state === 'absent') return { outcome: 'absent', text: `there is no control socket ${socket}` };
  if (reading.state !== 'data') return { outcome: 'failed', text: reading.reason };
  const data = reading.data as DpvsData;
  const devices = interfacesOf(data.addresses);
  const services = data.services.filter(({ match }) => !match);
  const facts: Partial<Facts> = {
    services: services.map((service) => serviceOf(service, data, devices)),
    leftOut: leftOut(data.services),
    ports: { readings: data.ports, gateways: gateways(data) },
    ...(socket === DEFAULT_SOCKET ? {} : { collectors: { dpvs: { socket } } }),
  };
  const ports = data.ports.filter(({ device }) => device).length;
  const text = `${socket}: ${data.version}, ${plural(services.length, 'service')}, ${plural(ports, 'port')}`;
  return { outcome: 'found', text, facts };
}

export const dpvs: Source = { name: 'dpvs', summary: 'services, real servers, ports and bonds of DPVS', look };
