/** From a valid config to the plan: defaults filled in, references resolved, checks shared. Pure. */
import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { canonical } from '../model/canonical.ts';
import { optionMark } from './fields.ts';
import type {
  Address,
  BgpSettings,
  CheckProfile,
  Imports,
  LvsService,
  Passthrough,
  Plan,
  Service,
  ServiceNotify,
  ServiceRealServer,
  Target,
} from '../model/plan.ts';
import { formatAddress } from '../model/address.ts';
import { DEFAULT_CHECK } from './profiles.ts';
import { lvsOf } from './lvs.ts';
import { withoutSecrets } from './secrets.ts';
import type { Config } from './schema.ts';

/** What comes with imported services. */
interface Imported {
  readonly imports?: Imports;
  /** Scripts to run, by VIP. */
  readonly notify?: ReadonlyMap<string, ServiceNotify>;
  /** Entries of kernel LVS to make, by VIP. */
  readonly lvs?: ReadonlyMap<string, LvsService>;
}

/**
 * Builds the plan of a config without issues, imported services among its own. `hostname` is the name of this machine.
 */
export function buildPlan(config: Config, hostname: string, { imports, notify, lvs }: Imported = {}): Plan {
  const nicIndex = new Map(config.nics.map((nic, i) => [nic.name, i]));
  const everyNic = config.nics.map((_, i) => i);
  const { targets, members } = collectTargets(config);
  const services = config.services.map(
    (service, index): Service => ({
      name: service.name ?? service.vip,
      vip: service.vip,
      nics: service.nics?.map((name) => nicIndex.get(name)!) ?? everyNic,
      panic: service.panic,
      realServers: members[index]!,
      ...(service.combine === 'any' ? { combine: service.combine } : {}),
      actuator: service.actuator,
      ...(notify?.has(service.vip) === true ? { notify: notify.get(service.vip)! } : {}),
      ...defined({ passthrough: passthroughOf(service) }),
      ...defined({ lvs: lvs?.get(service.vip) ?? lvsOf(service) }),
    }),
  );
  const { bearerToken, basic } = config.web.authentication ?? {};
  const plan: Content = {
    cluster: config.cluster.name,
    server: config.server ?? hostname,
    listen: config.listen,
    ...(config.control === false ? {} : { control: config.control }),
    stateDir: config.stateDir,
    nics: config.nics.map((nic) => ({
      name: nic.name,
      device: nic.device ?? nic.name,
      group: nic.group ?? nic.name,
      anchors: nic.anchors,
      ...(nic.dataplane === undefined ? {} : { dataplane: nic.dataplane }),
      ...(nic.source === undefined ? {} : { source: nic.source }),
      onFail: nic.onFail,
    })),
    ...(config.onIsolated.length === 0 ? {} : { onIsolated: config.onIsolated }),
    targets,
    services,
    rules: config.rules,
    collectors: config.collectors as Plan['collectors'],
    ...(config.snat === undefined ? {} : { snat: config.snat }),
    ...(config.bgp === undefined ? {} : { bgp: bgpSettings(config.bgp) }),
    ...(config.evidence.log === undefined ? {} : { evidenceLog: config.evidence.log }),
    ...clusterOf(config.cluster),
    ...(config.opentelemetry === undefined ? {} : { opentelemetry: config.opentelemetry }),
    ...defined({ report: config.report }),
    ...(imports === undefined ? {} : { imports }),
    web: defined({ bearerToken, ...basic }),
  };
  return { ...plan, ...digestsOf(plan) };
}

/** Releases come from etcd: without one there are none. */
function clusterOf(cluster: Config['cluster']): Pick<Plan, 'etcd' | 'releases'> {
  if (!('etcd' in cluster) || cluster.etcd === undefined) return {};
  const { etcd, trust, prove: proveMs, onBootWithoutEtcd: onBoot, drift } = cluster;
  return { etcd, releases: { proveMs, onBoot, drift, ...defined({ trust }) } };
}

function bgpSettings({ uplinks, vips }: NonNullable<Config['bgp']>): BgpSettings {
  return { uplinks: uplinks.map(({ peerMaxPrefix, ...u }) => ({ ...u, ...defined({ peerMaxPrefix }) })), vips };
}

/** Without what is undefined. */
function passthroughOf({ passthrough }: Config['services'][number]): Passthrough | undefined {
  if (passthrough === undefined) return undefined;
  const { mode, echo, through, option } = passthrough;
  return { mode, through, ...defined({ echo, option: option && { kind: option.kind, mark: optionMark(option) } }) };
}

function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as ReturnType<typeof defined<T>>;
}

type Content = Omit<Plan, 'revision' | 'fingerprint'>;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

interface Draft extends Wanted {
  readonly realServer: string;
  readonly key: string;
  readonly rs: RealServer;
}

/** A check that a service wants of its real servers. */
interface Wanted {
  readonly check: CheckProfile;
  readonly name: string;
  readonly digest: string;
}

type RealServer = Config['services'][number]['realServers'][number];

function publicDigest(check: CheckProfile): string {
  return sha256(canonical(withoutSecrets(check)));
}

/** Where a check goes. */
function addressOf({ address }: RealServer, { connectIp: ip, connectPort: port = address.port }: CheckProfile): Address {
  if (ip === undefined && port === address.port) return address;
  return ip === undefined ? { ...address, port } : { family: isIPv4(ip) ? 4 : 6, ip, port };
}

/** One target for each real server and distinct profile, in order of first appearance. */
function collectTargets(config: Config) {
  const digests = new Map<CheckProfile, string>();
  const digestOf = (check: CheckProfile) => {
    const digest = digests.get(check) ?? sha256(canonical(check)).slice(0, 16);
    digests.set(check, digest);
    return digest;
  };
  const drafts: Draft[] = [];
  const byKey = new Map<string, number>();
  const racks = new Map<string, string>();

  const draftOf = (rs: RealServer, realServer: string, { check, name, digest }: Wanted): number => {
    const key = `${realServer} ${digest}`;
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const index = drafts.push({ check, name, digest, realServer, key, rs }) - 1;
    byKey.set(key, index);
    return index;
  };

  const wantedOf = (checks: readonly (string | CheckProfile)[]) =>
    checks.map((written): Wanted => {
      const check = typeof written === 'string' ? config.checks[written]! : written;
      return { check, name: typeof written === 'string' ? written : check.type, digest: digestOf(check) };
    });

  const members = config.services.map((service): readonly ServiceRealServer[] => {
    const ofService = wantedOf(service.checks ?? [service.check ?? DEFAULT_CHECK]);
    return service.realServers.map((rs) => {
      const { weight, rack, address } = rs;
      const wanted = rs.checks === undefined ? ofService : wantedOf(rs.checks);
      if (rack !== undefined) racks.set(address.ip, rack);
      const realServer = formatAddress(address);
      const target = draftOf(rs, realServer, wanted[0]!);
      if (wanted.length === 1) return { target, weight };
      // Two names may mean the same check: it is made once.
      const others = new Set(wanted.slice(1).map((each) => draftOf(rs, realServer, each)));
      const further = [...others].filter((each) => each !== target);
      return further.length === 0 ? { target, weight } : { target, further, weight };
    });
  });

  const ids = new Set<string>();
  const idOf = ({ realServer, name, check }: Draft, siblings: readonly number[]): string => {
    const clash = siblings.filter((sibling) => drafts[sibling]!.name === name).length > 1;
    // Anybody may see an id: nothing of it follows from a secret.
    const stem = `${realServer}#${name}${clash ? `-${publicDigest(check).slice(0, 6)}` : ''}`;
    let id = stem;
    for (let n = 2; ids.has(id); n++) id = `${stem}-${n}`;
    ids.add(id);
    return id;
  };
  // With one check for all no real server has several.
  const perServer = digests.size > 1 ? Map.groupBy(drafts.keys(), (index) => drafts[index]!.realServer) : undefined;
  const targets = drafts.map((draft): Target => {
    const { realServer, key, check } = draft;
    const address = addressOf(draft.rs, check);
    const siblings = perServer?.get(realServer) ?? [];
    const id = siblings.length > 1 ? idOf(draft, siblings) : realServer;
    const rack = racks.size === 0 ? undefined : racks.get(draft.rs.address.ip);
    return rack === undefined ? { id, key, realServer, address, check } : { id, key, realServer, address, rack, check };
  });
  return { targets, members };
}

function memberLine({ target, further, weight }: ServiceRealServer): string {
  return further === undefined ? `${target}*${weight}` : `${target}+${further.join('+')}*${weight}`;
}

/**
 * Hashes of everything that matters: `revision` without secrets, `fingerprint` with them. What there are tens of thousands of
 * holds none, and is hashed once.
 */
function digestsOf({ targets, services, imports, ...rest }: Content): Pick<Plan, 'revision' | 'fingerprint'> {
  const checks = new Map<CheckProfile, number>();
  const lines = targets.map(({ id, realServer, rack = '', check }) => {
    if (!checks.has(check)) checks.set(check, checks.size);
    return `${id} ${realServer} ${checks.get(check)} ${rack}`;
  });
  for (const service of services) lines.push(service.realServers.map(memberLine).join(' '));
  const many = sha256(lines.join('\n'));
  const few = [rest, [...checks.keys()], services.map(({ realServers: _, ...service }) => service)];
  // Where the services come from is no part of what is done with them.
  const all = imports === undefined ? few : [few, imports];
  return { revision: sha256(many + canonical(withoutSecrets(few))), fingerprint: sha256(many + canonical(all)) };
}
