/** The header line of an evidence log: the world that is judged, and in a recorded log how the judge came to it. */
import { CHECKER_KINDS, type CheckerRules, MOST_RETRIES, MOST_URLS } from '../../model/checker.ts';
import { resolveRules } from '../../model/rules.ts';
import type { JudgeNic, JudgeRealServer, JudgeService, Topology } from '../../model/topology.ts';
import type { Json, Line } from './line.ts';

/**
 * How a recorded judge came to this world: by a reload at `t` of the world before, or with a state that is all in the header
 * (`exact.ts`). A log without it was written by hand, or by an agent before 2026-12.
 */
export type Origin =
  | { readonly from: 'reload'; readonly t: number }
  | { readonly from: 'state'; readonly t: number; readonly state: Json };

export interface Header {
  readonly topology: Topology;
  /** Left out: version 1, with no pass lines. */
  readonly origin?: Origin;
}

const RECORDED = ['from', 't', 'state'];
const WORLD = ['v', 'interval_ms', 'timeout_ms', 'fall', 'rise', 'nics', 'realServers', 'services', 'rules'];

/** The header line of this topology; with `origin` that of a recorded log (version 2). */
export function formatHeader(topology: Topology, origin?: Origin): string {
  return JSON.stringify({
    ...(origin === undefined ? { v: 1 } : { v: 2, ...origin }),
    interval_ms: topology.intervalMs,
    timeout_ms: topology.timeoutMs,
    fall: topology.fall,
    rise: topology.rise,
    nics: topology.nics.map(({ name, group, anchors, port }) => ({ name, group, anchors, port })),
    realServers: topology.realServers.map((server) => ({
      id: server.id,
      ...(origin === undefined || server.key === server.id ? {} : { key: server.key }),
      rack: server.rack,
      ...(server.intervalMs === topology.intervalMs ? {} : { interval_ms: server.intervalMs }),
      ...(server.timeoutMs === topology.timeoutMs ? {} : { timeout_ms: server.timeoutMs }),
      ...(server.fall === topology.fall ? {} : { fall: server.fall }),
      ...(server.rise === topology.rise ? {} : { rise: server.rise }),
      ...(server.checker === undefined ? {} : { checker: checkerJson(server.checker) }),
    })),
    services: topology.services.map((service) => ({
      name: service.name,
      nics: service.nics.map((nic) => topology.nics[nic]!.name),
      realServers: service.realServers.map((server, position) => {
        const { id } = topology.realServers[server]!;
        const further = service.further?.get(position);
        return further === undefined ? id : [id, ...further.map((each) => topology.realServers[each]!.id)];
      }),
      combine: service.combine,
      panic: service.panic,
    })),
    ...(Object.keys(topology.rules).length > 0 ? { rules: topology.rules } : {}),
  });
}

/** The header of a line. Throws FourlaneError EVIDENCE_INVALID. */
export function readHeader(line: Line): Header {
  const version = line.json['v'];
  if (version !== 1 && version !== 2) line.fail(`v is ${JSON.stringify(version)}; this program reads versions 1 and 2`);
  line.only(version === 1 ? WORLD : [...WORLD, ...RECORDED]);
  const nics = line.objects('nics').map(readNic);
  const realServers = line.objects('realServers').map((server) => readServer(server, version));
  const nicAt = unique(line, nics, ({ name }) => name, 'NIC');
  const serverAt = unique(line, realServers, ({ id }) => id, 'real server');
  const services = line.objects('services').map((service): JudgeService => {
    service.only(['name', 'nics', 'realServers', 'combine', 'panic']);
    return {
      name: service.text('name'),
      nics: indices(service, 'nics', service.list('nics'), nicAt, 'nic'),
      ...readMembers(service, serverAt),
      panic: service.number('panic', 0, 1, 0.5),
    };
  });
  unique(line, services, ({ name }) => name, 'service');
  const topology: Topology = {
    intervalMs: line.number('interval_ms', 10, 3_600_000),
    timeoutMs: line.number('timeout_ms', 1, 3_600_000),
    fall: line.number('fall', 1, 1000),
    rise: line.number('rise', 1, 1000),
    nics,
    realServers,
    services,
    rules: readRules(line),
  };
  return version === 1 ? { topology } : { topology, origin: readOrigin(line) };
}

function readOrigin(line: Line): Origin {
  const from = line.text('from');
  const t = line.time('t');
  if (from === 'state') return { from, t, state: line.object('state').json };
  if (from !== 'reload') line.fail(`from is "${from}"; it must be state or reload`);
  return { from, t };
}

function readNic(nic: Line): JudgeNic {
  nic.only(['name', 'group', 'anchors', 'port']);
  const name = nic.text('name');
  const anchors = nic.json['anchors'] ?? [];
  if (!Array.isArray(anchors) || anchors.some((anchor) => typeof anchor !== 'string'))
    nic.fail(`anchors of NIC ${name} must be a list of text`);
  const group = nic.has('group') ? nic.text('group') : name;
  return { name, group, anchors: anchors as string[], ...(nic.has('port') ? { port: nic.text('port') } : {}) };
}

function readServer(server: Line, version: 1 | 2): JudgeRealServer {
  server.only(['id', ...(version === 2 ? ['key'] : []), 'rack', 'interval_ms', 'timeout_ms', 'fall', 'rise', 'checker']);
  const id = server.text('id');
  return {
    id,
    key: server.has('key') ? server.text('key') : id,
    ...(server.has('rack') ? { rack: server.text('rack') } : {}),
    ...(server.has('interval_ms') ? { intervalMs: server.number('interval_ms', 10, 3_600_000) } : {}),
    ...(server.has('timeout_ms') ? { timeoutMs: server.number('timeout_ms', 1, 3_600_000) } : {}),
    ...(server.has('fall') ? { fall: server.number('fall', 1, 1000) } : {}),
    ...(server.has('rise') ? { rise: server.number('rise', 1, 1000) } : {}),
    ...(server.has('checker') ? { checker: readChecker(server.object('checker')) } : {}),
  };
}

const checkerJson = ({ kind, retry, alpha, urls, firstMs }: CheckerRules) => ({ kind, retry, alpha, urls, first_ms: firstMs });

function readChecker(checker: Line): CheckerRules {
  checker.only(['kind', 'retry', 'alpha', 'urls', 'first_ms']);
  const kind = CHECKER_KINDS.find((name) => name === checker.json['kind']);
  if (kind === undefined)
    checker.fail(`kind is ${JSON.stringify(checker.json['kind'])}; it must be one of ${CHECKER_KINDS.join(', ')}`);
  return {
    kind,
    retry: checker.number('retry', 0, MOST_RETRIES),
    alpha: checker.json['alpha'] === true,
    urls: checker.number('urls', 1, MOST_URLS),
    firstMs: checker.number('first_ms', 0, 86_400_000),
  };
}

function readRules(line: Line): Record<string, number> {
  const rules = line.object('rules', {}).json as Record<string, number>;
  try {
    resolveRules(rules);
  } catch (error) {
    line.fail((error as Error).message);
  }
  return rules;
}

function indices(line: Line, name: string, names: readonly unknown[], map: ReadonlyMap<string, number>, what: string): number[] {
  const found = names.map((id) => line.index(map, id, what));
  if (new Set(found).size !== found.length) line.fail(`${name} of a service lists a ${what} twice`);
  return found;
}

/** The real servers of a service: by id, or by the list of ids of their checks. */
function readMembers(
  line: Line,
  serverAt: ReadonlyMap<string, number>,
): Pick<JudgeService, 'realServers' | 'further' | 'combine'> {
  const members = line.list('realServers').map((member): readonly unknown[] => (Array.isArray(member) ? member : [member]));
  const flat = indices(line, 'realServers', members.flat(), serverAt, 'rs');
  const realServers: number[] = [];
  const further = new Map<number, readonly number[]>();
  let at = 0;
  members.forEach((ids, position) => {
    if (ids.length === 0) line.fail('realServers of a service has an empty list; a real server has one check at least');
    const [first, ...others] = flat.slice(at, at + ids.length);
    realServers.push(first!);
    if (others.length > 0) further.set(position, others);
    at += ids.length;
  });
  const combine = line.has('combine') ? line.text('combine') : undefined;
  if (combine !== undefined && combine !== 'any') line.fail(`combine is "${combine}"; it must be any, or left out`);
  return {
    realServers,
    ...(further.size === 0 ? {} : { further }),
    ...(combine === undefined ? {} : { combine }),
  };
}

/** Indices by name. */
export function indexOf<T>(list: readonly T[], name: (each: T) => string): ReadonlyMap<string, number> {
  return new Map(list.map((each, index) => [name(each), index]));
}

function unique<T>(line: Line, list: readonly T[], name: (each: T) => string, what: string): ReadonlyMap<string, number> {
  const map = indexOf(list, name);
  const names = list.map(name);
  if (map.size !== list.length) {
    line.fail(`${what} ${names.find((each, index) => names.indexOf(each) !== index)} is listed twice`);
  }
  return map;
}
