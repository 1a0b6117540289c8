/** The configuration file that says what was found, each line with where it is from. Pure: the same facts, the same bytes. */
import { carrier } from '../collect/dpvs/carrier.ts';
import { type Checked, CheckNames, checked, commonest, type ProblemOf } from './checks.ts';
import type { Seen } from './look.ts';
import { type Choice, type ChosenNic, chooseNics } from './nics.ts';
import type { Ports } from './ports.ts';
import { type FoundRealServer, type FoundService, ipOf, type LeftOut, merge } from './services.ts';
import { comment, flow, line } from './yaml.ts';

/** What real servers weigh that the file gives no weight. */
const DEFAULT_WEIGHT = 100;

export interface Written {
  readonly text: string;
  readonly nics: number;
  readonly services: number;
  readonly realServers: number;
  readonly leftOut: number;
}

export interface WriteOptions {
  readonly problemOf: ProblemOf;
  /** What keepalived.conf has is imported from there, not written down. */
  readonly imports: boolean;
}

export function write({ looks, facts }: Seen, { problemOf, imports }: WriteOptions): Written {
  const own = new Set(facts.network.links.flatMap(({ addresses }) => addresses.map(({ ip }) => ip)));
  const { services, leftOut } = merge(facts.services, own);
  const missing = [...facts.leftOut, ...leftOut];
  const targets = [...new Set(services.flatMap(({ realServers }) => realServers.map(({ address }) => ipOf(address))))];
  const choice = chooseNics(facts.network, facts.ports, targets);
  const checks = new CheckNames();
  const place = { choice, ports: facts.ports, checks };
  const file = services.find(({ importable }) => importable !== undefined)?.importable;
  const isImported = ({ importable }: FoundService) => imports && importable !== undefined && importable === file;
  const imported = services.filter(isImported);
  const listed = services.filter((service) => !isImported(service));
  const blocks = listed.flatMap((service) => serviceLines(service, checked(service, problemOf, missing), place));
  missing.push(...imported.flatMap(besides));
  const lines = [
    ...headLines(looks),
    '',
    comment(0, 'cluster: edge-1   # name of the group of load balancers that this one is in, a label on every series'),
    '',
    ...nicLines(choice),
    ...checks.lines(),
    '',
    ...importLines(file, imported),
    ...(blocks.length > 0 ? [...SERVICES, ...blocks] : imported.length > 0 ? [] : NO_SERVICES),
    ...leftOutLines(missing),
    ...collectorLines(facts.collectors),
    ...facts.remarks.flatMap((remark) => ['', ...remark.map((each) => comment(0, each))]),
  ];
  return {
    text: `${lines.join('\n')}\n`,
    nics: choice.nics.length,
    services: services.length,
    realServers: targets.length,
    leftOut: missing.length,
  };
}

/** Real servers of an imported service that its file does not have: a service is imported or written, not both. */
function besides({ vip, realServers, importable }: FoundService): LeftOut[] {
  return realServers
    .filter(({ checks }) => checks === undefined)
    .map(({ address, origin }) => ({ text: `${address} of ${vip}: ${importable} does not have it`, origin }));
}

/** The import, or how to have one. */
function importLines(file: string | undefined, imported: readonly FoundService[]): string[] {
  if (file === undefined) return [];
  const block = ['import:', `  keepalived: ${flow({ file, mode: 'shadow' })}`];
  if (imported.length === 0) {
    const advice = [
      `What is from ${file} and its includes is a copy. To have it followed when it changes, and compared with what`,
      'keepalived does, write this instead of those services, as `fourlane init --import` does:',
      ...block.map((text) => `  ${text}`),
    ];
    return [...advice.map((text) => comment(0, text)), ''];
  }
  return [
    comment(
      0,
      'Services that are followed when their file changes. fourlane decides, compares with keepalived and changes nothing:',
    ),
    comment(0, 'docs/keepalived.md.'),
    ...imported.map(({ vip, origin }) => comment(0, `  ${vip} from ${origin}`)),
    ...block,
    '',
  ];
}

function headLines(looks: Seen['looks']): string[] {
  const [first, second] = [Math.max(...looks.map(({ source }) => source.length)), 'absent'.length];
  return [
    'Written by `fourlane init` from what it found on this machine. Looked for:',
    ...looks.map(({ source, outcome, text }) => `  ${source.padEnd(first)}  ${outcome.padEnd(second)}  ${text}`),
    '',
    'fourlane only observes with it: no NIC has onFail, and no service an actuator that changes anything.',
    '`fourlane check-config FILE` says what it means, `fourlane doctor --config FILE` what this machine lacks.',
  ].map((text) => comment(0, text));
}

const NO_NIC = [
  'No interface has an address and a route. lo stands here because a configuration has at least one NIC: write yours, such as',
  '- {name: eth2, anchors: [192.0.2.1]}',
];
const NO_ANCHOR =
  'no gateway by it: add the address of a switch or peer on this link, else few real servers cannot tell its fault from theirs';

function nicLines({ nics, others }: Choice): string[] {
  return [
    comment(
      0,
      'Every real server is checked through every NIC. An anchor is an address on the link that must answer a ping; one',
    ),
    comment(0, `that does not is tcp://IP:PORT, or left out. Try it: fourlane probe --nic NIC --check '{"type":"ping"}' IP`),
    'nics:',
    ...(nics.length === 0
      ? [...NO_NIC.map((text) => comment(1, text)), line(1, '- name: lo', 'there is no other')]
      : nics.flatMap(oneNic)),
    ...others.map(({ name, why }) => comment(1, `left out: ${name}: ${why}`)),
  ];
}

function oneNic({ name, about, group, dataplane, source, anchors }: ChosenNic): string[] {
  const keys = Object.entries({ group, dataplane, source });
  return [
    line(1, `- name: ${flow(name)}`, `ip link: ${about.join(', ')}`),
    ...keys.flatMap(([key, from]) => (from === undefined ? [] : [line(2, `${key}: ${flow(from.value)}`, from.origin)])),
    ...(anchors.length === 0 ? [comment(2, NO_ANCHOR)] : ['    anchors:']),
    ...anchors.map(({ value, origin }) => line(3, `- ${flow(value)}`, origin)),
  ];
}

const SERVICES = [
  comment(0, 'To let fourlane act, change the actuator of a service as its comment says, once you have seen it judge well;'),
  comment(0, 'see docs/actuators.md.'),
  'services:',
];
const NO_SERVICES = [
  comment(0, 'No service was found: nothing is checked until you write some, such as'),
  comment(0, '  - name: web'),
  comment(0, '    vip: 203.0.113.10:80/tcp'),
  comment(0, '    check: {type: http, path: /health}'),
  comment(0, '    realServers: [10.1.0.1:8080, 10.1.0.2:8080]'),
  'services: []',
];

interface Place {
  readonly choice: Choice;
  readonly ports: Ports;
  readonly checks: CheckNames;
}

function serviceLines(service: FoundService, checkedBy: Checked, { choice, ports, checks }: Place): string[] {
  const { vip, origin, remarks = [], actuator } = service;
  const usual = checks.of(commonest([...checkedBy.values()]));
  const nics = nicsOf(service, choice, ports);
  return [
    line(1, `- vip: ${flow(vip)}`, `from ${[origin, ...remarks].join(', ')}`),
    line(2, usual.length === 1 ? `check: ${flow(usual[0])}` : `checks: ${flow(usual)}`),
    ...(nics === undefined ? [] : [nics]),
    '    realServers:',
    ...[...checkedBy].map(([rs, list]) => realServerLine(rs, checks.of(list), usual)),
    line(2, 'actuator: none', actuator),
  ];
}

function realServerLine(rs: FoundRealServer, names: readonly string[], usual: readonly string[]): string {
  const { address, weight, origin, remark = '' } = rs;
  const own = names.join() === usual.join() ? {} : { checks: names };
  const written = { address, ...(weight === DEFAULT_WEIGHT ? {} : { weight }), ...own };
  return line(3, `- ${Object.keys(written).length === 1 ? flow(address) : flow(written)}`, origin, remark);
}

/** The line that says which NICs carry a service, when not all of them do. */
function nicsOf({ realServers, localDevices = [] }: FoundService, { nics, leads }: Choice, ports: Ports): string | undefined {
  const named = new Set(nics.flatMap(({ dataplane }) => dataplane?.value ?? []));
  const through = new Set(localDevices.map((device) => carrier(device, ports.readings, named)));
  const behind = nics.filter(({ dataplane }) => dataplane !== undefined && through.has(dataplane.value));
  if (behind.length === through.size && behind.length > 0 && behind.length < nics.length) {
    const text = `DPVS: its local addresses are on ${[...through].join(', ')}`;
    return line(2, `nics: ${flow(behind.map(({ name }) => name))}`, text);
  }
  if (through.size > 0) return undefined;
  const ips = realServers.map(({ address }) => ipOf(address));
  const leading = nics.filter(({ name }) => ips.every((ip) => leads(name, ip)));
  if (leading.length === nics.length) return undefined;
  if (leading.length === 0)
    return comment(2, 'no NIC has a route to all its real servers: `fourlane doctor` says what is missing');
  const others = nics.filter((nic) => !leading.includes(nic)).map(({ name }) => name);
  const text = `ip route: nothing leads to all its real servers by ${others.join(', ')}`;
  return line(2, `nics: ${flow(leading.map(({ name }) => name))}`, text);
}

function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  if (leftOut.length === 0) return [];
  const lines = new Set(leftOut.map(({ text, origin }) => comment(0, `  ${origin}: ${text}`)));
  return ['', comment(0, 'Left out, or otherwise:'), ...lines];
}

function collectorLines(collectors: Readonly<Record<string, Readonly<Record<string, string>>>>): string[] {
  const all = Object.entries(collectors);
  if (all.length === 0) return [];
  return ['', 'collectors:', ...all.map(([name, settings]) => line(1, `${name}: ${flow(settings)}`, 'where it was found'))];
}
