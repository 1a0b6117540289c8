/** The plan: what a config file means. A pure value, made by `config/`, compared by plan diff, run by lanes, judge and act. */

import type { CheckerPace } from './checker.ts';

export interface Address {
  readonly family: 4 | 6;
  /** Canonical text without brackets, e.g. `10.1.0.1`, `fd72::11`. */
  readonly ip: string;
  /** 0 where the check has no port (ping). */
  readonly port: number;
  /** IPv6 scope: interface name or number, as written after `%`. */
  readonly scope?: string;
}

/** What every check profile has: timing in ms, streaks, and where to when that is not the real server itself. */
export interface CheckTiming {
  readonly interval: number;
  readonly timeout: number;
  readonly fall: number;
  readonly rise: number;
  readonly connectIp?: string | undefined;
  readonly connectPort?: number | undefined;
  /** SO_MARK of its sockets. */
  readonly mark?: number | undefined;
  /** keepalived's own times and states instead of fall and rise; left out = none. */
  readonly checker?: CheckerPace | undefined;
}

/** A normalised check profile: `type` names an entry of `checks/index.ts`, the rest is that kind's own parameters. */
export type CheckProfile = CheckTiming & { readonly type: string } & Readonly<Record<string, unknown>>;

/** One check of one real server; every NIC probes every target once, however many services use it. A judge column. */
export interface Target {
  /** `ip:port` / `[v6]:port`; with `#profile` appended when the same real server is checked by several profiles. */
  readonly id: string;
  /** Identity over reloads: address and canonical profile. Same key = same check: its streaks are kept. */
  readonly key: string;
  /** `ip:port`, the metric label `real_server`. */
  readonly realServer: string;
  /** Where its check goes: that of the real server, or what the profile says instead. */
  readonly address: Address;
  readonly rack?: string;
  readonly check: CheckProfile;
}

export interface Anchor {
  readonly id: string;
  readonly type: 'ping' | 'tcp';
  readonly address: Address;
}

/**
 * One entry of `onFail` or `onIsolated`, or a service's `actuator`: `type` names an entry of `act/index.ts`, the rest is its own
 * parameters.
 */
export type ActuatorSpec = { readonly type: string } & Readonly<Record<string, unknown>>;

/** One entry of `collectors`: cadence in ms, the rest is that collector's own parameters. */
export type CollectorSpec = {
  readonly interval: number;
  readonly timeout: number;
  readonly staleAfter: number;
} & Readonly<Record<string, unknown>>;

/** Where traces and metrics are pushed to (OTLP over HTTP); times in ms. */
export interface OpenTelemetrySettings {
  /** Base URL: `/v1/traces` and `/v1/metrics` are added. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly interval: number;
  readonly timeout: number;
  readonly compression: 'gzip' | 'none';
  readonly metrics: boolean;
  readonly traces: boolean;
}

export interface ReportWebhook {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** ms. */
  readonly timeout: number;
}

/** When the report of shadow mode is sent, and where to: at least one place. */
export interface ReportSettings {
  /** As cron has it. */
  readonly schedule: string;
  /** Left out = that of the machine. */
  readonly timezone?: string | undefined;
  readonly to: {
    readonly log: boolean;
    readonly file?: string | undefined;
    readonly webhook?: ReportWebhook | undefined;
  };
}

/** Paths of the files by which this server and etcd know each other: PEM. */
export interface EtcdTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The etcd of the cluster. */
export interface EtcdSettings {
  /** `https://host:port`, each a member. */
  readonly endpoints: readonly string[];
  readonly tls: EtcdTls;
}

/** What is done about a drift: it is always reported, and repaired only where this says so. */
export const DRIFT_POLICIES = ['report', 'repair'] as const;
export type DriftPolicy = (typeof DRIFT_POLICIES)[number];

/** Drifts that a server can repair by itself, with their policies. */
export interface DriftPolicies {
  /** What runs is not what the ring must run. */
  readonly configuration: DriftPolicy;
  /** What was decided is not in place. */
  readonly dataPlane: DriftPolicy;
}

/** How releases of the cluster are taken. */
export interface ReleaseSettings {
  /** Ed25519 public key by which they must be signed, base64; left out = they need no signature. */
  readonly trust?: string;
  /** How long one must run before the agent starts with it, ms. */
  readonly proveMs: number;
  /** How a start goes on while etcd does not answer: with the last good release, after a wait, not at all. */
  readonly onBoot: 'good' | 'wait' | 'out';
  readonly drift: DriftPolicies;
}

export interface Nic {
  readonly name: string;
  /**
   * Kernel interface the probes are bound to; config key `device`, default the name. Several lanes may share one (loopback demo).
   */
  readonly device: string;
  readonly group: string;
  readonly anchors: readonly Anchor[];
  readonly dataplane?: string;
  readonly source?: string;
  readonly onFail: readonly ActuatorSpec[];
}

/** Every action that follows the state of this machine: those of its NICs, and those of all of it. */
export function machineActions({ nics, onIsolated = [] }: Pick<Plan, 'nics' | 'onIsolated'>): readonly ActuatorSpec[] {
  return [...nics.flatMap((nic) => nic.onFail), ...onIsolated];
}

export interface ServiceRealServer {
  /** Index into `Plan.targets`: its check; of several the first, by which it is named. */
  readonly target: number;
  /** Its further checks: indices into `Plan.targets`. Left out = none. */
  readonly further?: readonly number[];
  readonly weight: number;
}

/** All checks of a real server: indices into `Plan.targets`. */
export function targetsOf({ target, further }: ServiceRealServer): readonly number[] {
  return further === undefined ? [target] : [target, ...further];
}

/** A script that another program's configuration names. */
export interface Hook {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly user?: string;
  readonly group?: string;
}

export interface Hooks {
  readonly up?: Hook;
  readonly down?: Hook;
}

/** The quorum of an imported service, in weight, and scripts: its own with it, and those of its real servers, by position. */
export interface ServiceNotify {
  readonly quorum: number;
  readonly hysteresis: number;
  /** The quorum counts the real servers that are not judged down; left out: those in service. */
  readonly counts?: 'alive';
  /** When the agent ends, what is up is announced as down. */
  readonly omega?: true;
  readonly service?: Hooks;
  readonly realServers: readonly (Hooks | undefined)[];
}

/** Flags of a service in kernel LVS, as ipvsadm and keepalived name them; 1 to 3 mean what its scheduler makes of them. */
export const LVS_FLAGS = ['ops', 'flag-1', 'flag-2', 'flag-3'] as const;
export const TUNNELS = ['ipip', 'gue', 'gre'] as const;
export const CHECKSUMS = ['nocsum', 'csum', 'remcsum'] as const;

/** How packets get to a real server. Thresholds: numbers of connections, 0 or left out = none. */
export interface LvsServer {
  readonly method: 'NAT' | 'DR' | 'TUN';
  /** Its port in the table where that is not the one in its name. */
  readonly port?: number;
  readonly tunnel?: {
    readonly type: (typeof TUNNELS)[number];
    readonly port?: number | undefined;
    readonly checksum?: (typeof CHECKSUMS)[number] | undefined;
  };
  readonly upper?: number;
  readonly lower?: number;
}

/** Where clients go while a service has not its quorum. */
export interface SorryServer {
  /** As the kernel names it: `ip:port`, or `ip` where a packet keeps its port. May be that of a real server. */
  readonly name: string;
  readonly server: LvsServer;
  /** With the quorum it stays in the table, with weight 0. */
  readonly inhibit: boolean;
}

/** A service that fourlane makes in kernel LVS. */
export interface LvsService {
  /** Of a firewall mark; otherwise it is that of the address. */
  readonly family: 4 | 6;
  readonly scheduler: string;
  readonly flags: readonly (typeof LVS_FLAGS)[number][];
  /** s; 0 = connections of one client may go to several real servers. */
  readonly persistence: number;
  /** Clients that count as one: `255.255.255.0`, of IPv6 a length; left out = each by itself. */
  readonly netmask?: string;
  /** Persistence engine, such as `sip`. */
  readonly engine?: string;
  /** By position. */
  readonly servers: readonly LvsServer[];
  /** Left out = none. The quorum is in `Service.notify`. */
  readonly sorry?: SorryServer;
  /** What is there and not made by fourlane. */
  readonly existing: 'leave' | 'adopt';
}

/** How real servers get the address of the client. */
export const PASSTHROUGH_MODES = ['none', 'toa', 'proxy-v1', 'proxy-v2'] as const;

/** How it is verified: by asking real servers, and as a client of the VIP. */
export const PASSTHROUGH_WAYS = ['direct', 'vip'] as const;

/** A TCP option that carries the address of a client, as a data plane sends it. */
export interface PassthroughOption {
  /** Its number: 254 in DPVS. */
  readonly kind: number;
  /** Firewall mark of the connections that carry it. */
  readonly mark: number;
}

export interface Passthrough {
  readonly mode: (typeof PASSTHROUGH_MODES)[number];
  /** Path at which real servers answer with the address of the client. */
  readonly echo?: string;
  /** `vip` only with `echo`, a mode other than none and a TCP service with an address. */
  readonly through: readonly (typeof PASSTHROUGH_WAYS)[number][];
  /** Sent to real servers to see whether they take it; only with mode toa, `echo` and `direct`. Left out = not sent. */
  readonly option?: PassthroughOption;
}

export interface Service {
  readonly name: string;
  /** Normalised `vip:port/proto`, `[v6]:port/proto` or `fwmark:N`. */
  readonly vip: string;
  /** Indices into `Plan.nics`: the slices of this service. */
  readonly nics: readonly number[];
  /** Least enabled fraction of its real servers (R12). */
  readonly panic: number;
  readonly realServers: readonly ServiceRealServer[];
  /** Of several checks of a real server one good one is enough; left out = all must be good. */
  readonly combine?: 'any';
  readonly actuator: ActuatorSpec;
  /** Left out = no scripts are run. */
  readonly notify?: ServiceNotify;
  /** Left out = not declared. */
  readonly passthrough?: Passthrough;
  /** Left out = its entries in the data plane are made by somebody else. */
  readonly lvs?: LvsService;
}

/** What a prefix of the SNAT plan covers, from the longest prefix to the shortest. */
export const SNAT_LEVELS = ['group', 'server', 'cluster'] as const;
export type SnatLevel = (typeof SNAT_LEVELS)[number];

/** The addresses that the servers of a cluster use towards real servers, one for each core: see `edge/snat-plan.ts`. */
export interface SnatSettings {
  /** `10.0.0.0/24`, as written. */
  readonly pool: string;
  readonly servers: number;
  /** Data-plane cores of one server. */
  readonly cores: number;
  /** Which server this one is, from 0. */
  readonly server: number;
  /** By name of the NIC: the group of cores that it serves, from 0. */
  readonly groups: Readonly<Record<string, number>>;
  /** Levels that this server announces. */
  readonly announce: readonly SnatLevel[];
}

export const ADDRESS_FAMILIES = ['ipv4', 'ipv6'] as const;
export type AddressFamily = (typeof ADDRESS_FAMILIES)[number];

/** A BGP session through which prefixes of this server are announced. */
export interface Uplink {
  readonly nic: string;
  /** As the daemon names it: an address, or the interface of an unnumbered session. */
  readonly peer: string;
  readonly vrf: string;
  /** Families that it carries. */
  readonly families: readonly AddressFamily[];
  /** Most prefixes that the peer takes; left out: not known. */
  readonly peerMaxPrefix?: number;
}

export interface BgpSettings {
  readonly uplinks: readonly Uplink[];
  /** Prefixes announced to every uplink beside those of the SNAT plan. */
  readonly vips: readonly string[];
}

/** What was taken over from another program's configuration. */
export interface Imports {
  readonly file: string;
  readonly mode: 'shadow' | 'manage';
  /** How many services. */
  readonly services: number;
  /** What was not taken over, or holds otherwise: `file:line:column: what, and why`. */
  readonly left: readonly string[];
  /** FIFO that keepalived writes what its checkers decide into; left out = there is none. */
  readonly fifo?: string;
}

export interface Plan {
  readonly cluster: string;
  readonly server: string;
  /** Left out = none. */
  readonly etcd?: EtcdSettings;
  /** With `etcd` only. */
  readonly releases?: ReleaseSettings;
  readonly listen: { readonly host: string; readonly port: number };
  /** Path of the control socket; left out = none. */
  readonly control?: string;
  readonly stateDir: string;
  readonly nics: readonly Nic[];
  /** Actions while the agent is judged isolated; left out = none. */
  readonly onIsolated?: readonly ActuatorSpec[];
  readonly targets: readonly Target[];
  readonly services: readonly Service[];
  /** Overrides of judge thresholds by name (`src/model/rules.ts` holds names, defaults and meaning). */
  readonly rules: Readonly<Record<string, number>>;
  /** By collector name: its parameters with `interval`, `timeout` and `staleAfter` (ms), or false for off. */
  readonly collectors: Readonly<Record<string, false | CollectorSpec>>;
  /** Left out = no addresses are planned. */
  readonly snat?: SnatSettings;
  /** Left out = no uplinks. */
  readonly bgp?: BgpSettings;
  /** Where to record the evidence log, if anywhere. */
  readonly evidenceLog?: string;
  /** Left out = off. */
  readonly opentelemetry?: OpenTelemetrySettings;
  /** Left out = no regular report. */
  readonly report?: ReportSettings;
  /** Left out = nothing is imported. */
  readonly imports?: Imports;
  /** `passwordHash`: bcrypt or scrypt; `passwordSha256`: hex. At most one of them. */
  readonly web: {
    readonly bearerToken?: string;
    readonly username?: string;
    readonly passwordHash?: string;
    readonly passwordSha256?: string;
  };
  /** SHA-256 (hex) of the plan's content, secrets left out: equal plans, equal revision. Anybody may know it. */
  readonly revision: string;
  /** The same with secrets: two plans with the same one are the same. Never shown, since secrets could be guessed from it. */
  readonly fingerprint: string;
}
