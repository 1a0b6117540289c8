/** Checks across the file that no schema can make: references, duplicates, limits. */
import { identityOf } from '../act/index.ts';
import { checkKinds } from '../checks/index.ts';
import type { CheckProfile } from '../model/plan.ts';
import { formatAddress } from '../model/address.ts';
import { RULES } from '../model/rules.ts';
import { didYouMean, type Issue, listed, pathText } from './problem.ts';
import { inspectEdge } from './edge.ts';
import { optionMark } from './fields.ts';
import { DEFAULT_CHECK } from './profiles.ts';
import type { Config, NicConfig, ServiceConfig } from './schema.ts';

/** What is left of a file when its invalid entries are taken out: they leave holes, so that positions stay. */
export interface ConfigView {
  readonly nics: readonly (NicConfig | undefined)[];
  readonly onIsolated: Config['onIsolated'];
  readonly services: readonly ServiceView[];
  /** Names that references may use, of invalid entries too. */
  readonly nicNames: ReadonlySet<string>;
  readonly checkNames: ReadonlySet<string>;
  readonly checks: Config['checks'];
  readonly rules: Config['rules'];
  readonly snat?: Config['snat'];
  readonly bgp?: Config['bgp'];
}

/** A service, its invalid real servers and other invalid parts left out. */
export type ServiceView = Omit<ServiceConfig, 'realServers' | 'vip'> & {
  readonly vip: ServiceConfig['vip'] | undefined;
  readonly realServers: readonly (ServiceConfig['realServers'][number] | undefined)[];
};

const MOST_CELLS = 2_000_000;
/** Check types that need no port. */
export const portless: ReadonlySet<string> = new Set(
  checkKinds.filter((checkKind) => !checkKind.needsPort).map((checkKind) => checkKind.name),
);

/** All issues of a file whose entries are valid by themselves. */
export function inspect(view: ConfigView): Issue[] {
  return [...inspectNics(view), ...inspectServices(view), ...inspectRules(view.rules), ...inspectEdge(view)];
}

/** Remembers who came first, and where, as a function: places are named when somebody has to know them. */
class Firsts {
  readonly #first = new Map<string, () => string>();
  readonly #issues: Issue[];
  constructor(issues: Issue[]) {
    this.#issues = issues;
  }
  add(value: string | undefined, where: () => string, issue: () => { path: PropertyKey[]; what: string; remedy: string }): void {
    if (value === undefined) return;
    const first = this.#first.get(value);
    if (first === undefined) {
      this.#first.set(value, where);
      return;
    }
    const { path, what, remedy } = issue();
    this.#issues.push({ path, message: `${what} stands already at ${first()}; ${remedy}` });
  }
}

function inspectNics({ nics, onIsolated }: ConfigView): Issue[] {
  const issues: Issue[] = [];
  const names = new Firsts(issues);
  const files = new Firsts(issues);
  nics.forEach((nic, i) => {
    if (!nic) return;
    names.add(
      nic.name,
      () => `nics[${i}]`,
      () => ({
        path: ['nics', i, 'name'],
        what: `NIC "${nic.name}"`,
        remedy: 'each NIC is listed once',
      }),
    );
    const anchors = new Firsts(issues);
    nic.anchors.forEach(({ id }, index) => {
      const path = ['nics', i, 'anchors', index];
      anchors.add(
        id,
        () => `nics[${i}].anchors[${index}]`,
        () => ({ path, what: `anchor ${id}`, remedy: 'remove one' }),
      );
    });
    const actions = new Firsts(issues);
    nic.onFail.forEach((spec, index) => {
      const path = ['nics', i, 'onFail', index];
      // One file can follow one NIC only; a command or URL may serve several.
      const among = spec.type === 'trackFile' ? files : actions;
      const identity = identityOf(spec);
      const remedy = spec.type === 'trackFile' ? OWN_FILE : 'remove one';
      among.add(
        `${spec.type} ${identity}`,
        () => `nics[${i}].onFail[${index}]`,
        () => ({ path, what: `this ${spec.type}`, remedy }),
      );
    });
  });
  const actions = new Firsts(issues);
  onIsolated.forEach((spec, index) => {
    const isFile = spec.type === 'trackFile';
    (isFile ? files : actions).add(
      `${spec.type} ${identityOf(spec)}`,
      () => `onIsolated[${index}]`,
      () => ({ path: ['onIsolated', index], what: `this ${spec.type}`, remedy: isFile ? OWN_FILE : 'remove one' }),
    );
  });
  if (onIsolated.length > 0 && !nics.some((nic) => nic === undefined || nic.anchors.length > 0)) {
    const message =
      'needs an anchor of a NIC: without one, real servers that all fail can not be told from a load balancer that is cut off; ' +
      'write anchors: [ADDRESS] with the gateway';
    issues.push({ path: ['onIsolated'], message });
  }
  return issues;
}

const OWN_FILE = 'give each NIC, and onIsolated, a file of its own';

/** A mark stands for one kind: of two programs both would write on its connections. */
function inspectOption(
  { passthrough }: ServiceView,
  index: number,
  marks: Map<number, { readonly kind: number; readonly where: string }>,
): Issue[] {
  const option = passthrough?.option;
  if (option === undefined) return [];
  const { kind } = option;
  const mark = optionMark(option);
  const where = `services[${index}].passthrough.option`;
  const first = marks.get(mark) ?? { kind, where };
  marks.set(mark, first);
  if (first.kind === kind) return [];
  const message = `mark ${mark} is that of kind ${first.kind} at ${first.where}; each kind needs a mark of its own`;
  return [{ path: ['services', index, 'passthrough', 'option'], message }];
}

function inspectServices(view: ConfigView): Issue[] {
  const issues: Issue[] = [];
  const names = new Firsts(issues);
  const vips = new Firsts(issues);
  const marks = new Map<number, { readonly kind: number; readonly where: string }>();
  const racks = new Map<string, { rack: string; where: () => string }>();
  view.services.forEach((service, index) => {
    const at = (...rest: PropertyKey[]) => ['services', index, ...rest];
    const name = service.name ?? service.vip;
    names.add(
      name,
      () => `services[${index}]`,
      () => ({
        path: at(service.name === undefined ? 'vip' : 'name'),
        what: `service "${name}"`,
        remedy: 'names of services are unique',
      }),
    );
    vips.add(
      service.vip,
      () => `services[${index}]`,
      () => ({
        path: at('vip'),
        what: `vip ${service.vip}`,
        remedy: 'merge the two services',
      }),
    );
    issues.push(...inspectNicList(view, service, index), ...inspectOption(service, index, marks));

    issues.push(...inspectChecks(view, service, index));
    const needsPort = needPort(checksOf(view, service));
    const addresses = new Map<string, number>();
    service.realServers.forEach((rs, each) => {
      if (!rs) return;
      const { address, rack, checks } = rs;
      const path = () => at('realServers', each);
      const text = formatAddress(address);
      const first = addresses.get(text);
      if (first === undefined) addresses.set(text, each);
      else {
        const place = `services[${index}].realServers[${first}]`;
        const message = `real server ${text} stands already at ${place}; a service lists each once; use weight`;
        issues.push({ path: path(), message });
      }
      if (address.port === 0 && (checks === undefined ? needsPort : needPort(profilesOf(view, checks)))) {
        const ambiguous = address.family === 6 ? ' (an address with its port needs the brackets)' : '';
        const remedy = `write ${formatAddress({ ...address, port: 80 })}${ambiguous}, or use a check without port`;
        const message = `"${text}": the port is missing; ${remedy} (${[...portless].join(', ')})`;
        issues.push({ path: path(), message });
      }
      if (rack === undefined) return;
      const known = racks.get(address.ip);
      if (!known) racks.set(address.ip, { rack, where: () => `services[${index}].realServers[${each}]` });
      else if (known.rack !== rack) {
        const message =
          `host ${address.ip} is in rack "${rack}" here, but in rack "${known.rack}" at ${known.where()}; a ` +
          `host is in one rack`;
        issues.push({ path: [...path(), 'rack'], message });
      }
    });
  });
  const cells = distinctServers(view) * view.nics.length;
  if (cells > MOST_CELLS) {
    issues.push({
      path: ['services'],
      message: `found ${cells} real servers × NICs; allowed: at most ${MOST_CELLS} for one agent`,
    });
  }
  return issues;
}

/** How many real servers there are, or a number that is not too many either. */
function distinctServers({ services, nics }: ConfigView): number {
  const most = services.reduce((sum, { realServers }) => sum + realServers.length, 0);
  if (most * nics.length <= MOST_CELLS) return most;
  return new Set(services.flatMap(({ realServers }) => realServers.flatMap((rs) => (rs ? formatAddress(rs.address) : [])))).size;
}

type Profiles = readonly (CheckProfile | undefined)[];

const needPort = (profiles: Profiles) =>
  profiles.some((profile) => profile !== undefined && !portless.has(profile.type) && profile.connectPort === undefined);

/** The profiles of checks as written; undefined where a name has none. */
function profilesOf({ checks }: ConfigView, written: readonly (string | CheckProfile)[]): Profiles {
  return written.map((check) => (typeof check === 'string' ? checks[check] : check));
}

/** The profiles of a service's checks. */
function checksOf(view: ConfigView, service: ServiceView): Profiles {
  return profilesOf(view, service.checks ?? [service.check ?? DEFAULT_CHECK]);
}

type Written = readonly (readonly [string | CheckProfile | undefined, readonly PropertyKey[]])[];

function inspectChecks(view: ConfigView, service: ServiceView, index: number): Issue[] {
  const issues: Issue[] = [];
  const { check, checks, realServers } = service;
  const listOf = (list: readonly (string | CheckProfile)[]): Written => list.map((each, k) => [each, ['checks', k]]);
  inspectNames(view, checks === undefined ? [[check, ['check']]] : listOf(checks), { issues, path: ['services', index] });
  realServers.forEach((rs, each) => {
    if (rs?.checks?.some((own) => typeof own === 'string'))
      inspectNames(view, listOf(rs.checks), { issues, path: ['services', index, 'realServers', each] });
  });
  const isUsed = realServers.some((rs) => rs?.checks === undefined);
  if (isUsed && check === undefined && checks === undefined && service.vip?.endsWith('/udp')) {
    const message = 'is missing: a UDP service has no default check; write check: {type: udp, …} or check: {type: ping}';
    issues.push({ path: ['services', index, 'check'], message });
  }
  return issues;
}

/** Names of check profiles that stand twice, or for nothing. `path`: of what they stand in. */
function inspectNames(view: ConfigView, written: Written, { issues, path: of }: { issues: Issue[]; path: PropertyKey[] }): void {
  const names = new Firsts(issues);
  for (const [each, place] of written) {
    const path = [...of, ...place];
    if (typeof each !== 'string') continue;
    names.add(
      each,
      () => pathText({ path }),
      () => ({ path, what: `check ${each}`, remedy: 'remove one' }),
    );
    if (view.checkNames.has(each)) continue;
    const known = view.checkNames;
    const remedy = 'add it to checks, or write the profile here, such as {type: tcp}';
    issues.push({
      path,
      message: `no check profile is named "${each}"${didYouMean(each, known)}; defined: ${listed(known)}; ${remedy}`,
    });
  }
}

function inspectNicList({ nicNames }: ConfigView, service: ServiceView, s: number): Issue[] {
  const issues: Issue[] = [];
  const seen = new Firsts(issues);
  service.nics?.forEach((nic, index) => {
    const path = ['services', s, 'nics', index];
    seen.add(
      nic,
      () => `services[${s}].nics[${index}]`,
      () => ({ path, what: `NIC "${nic}"`, remedy: 'remove one' }),
    );
    if (nicNames.has(nic)) return;
    issues.push({ path, message: `no NIC is named "${nic}"${didYouMean(nic, nicNames)}; defined: ${listed(nicNames)}` });
  });
  return issues;
}

function inspectRules(rules: Config['rules']): Issue[] {
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries(rules)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name as keyof typeof RULES] : undefined;
    if (!rule) {
      const suggestion = didYouMean(name, Object.keys(RULES));
      const message = `no rule has a threshold named "${name}"${suggestion}; allowed: the names listed in docs/attribution.md`;
      issues.push({ path: ['rules', name], key: true, message });
    } else if (value < rule.min || value > rule.max) {
      const message = `found ${value}; allowed: ${rule.min} … ${rule.max} ${rule.unit} (${rule.meaning})`;
      issues.push({ path: ['rules', name], message });
    }
  }
  return issues;
}
