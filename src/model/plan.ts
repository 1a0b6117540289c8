/** The plan: what a config file means. A pure value, made by `config/`, compared by plan diff, run by lanes, judge and act. */

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

/** Scripts of an imported service: its own with its quorum (in weight), and those of its real servers, by position. */
export interface ServiceNotify {
  readonly quorum: number;
  readonly hysteresis: number;
  readonly service?: Hooks;
  readonly realServers: readonly (Hooks | undefined)[];
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
}

/** What was taken over from another program's configuration. */
export interface Imports {
  readonly file: string;
  readonly mode: 'shadow' | 'manage';
  /** How many services. */
  readonly services: number;
  /** What was not taken over, or holds otherwise: `file:line:column: what, and why`. */
  readonly left: readonly string[];
  /** Paths whose change may change it: files, also missing ones, and directories. */
  readonly followed: readonly string[];
}

export interface Plan {
  readonly cluster: string;
  readonly server: string;
  /** Left out = none. */
  readonly etcd?: EtcdSettings;
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
  /** Where to record the evidence log, if anywhere. */
  readonly evidenceLog?: string;
  /** Left out = off. */
  readonly opentelemetry?: OpenTelemetrySettings;
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
