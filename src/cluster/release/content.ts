/**
 * What a release carries of a configuration: the part that all servers share. The rest (NICs, addresses, paths, secrets of the
 * web server) stays in the file on each machine; the configuration of a server is both together.
 */
import { FourlaneError } from '../../model/errors.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Keys of the configuration that a release carries; `services` are sharded, the others are its base. */
const BASE_KEYS = ['checks', 'rules'] as const;
const SHARED_KEYS = ['services', ...BASE_KEYS] as const;

export interface Content {
  /** By key (`serviceKey`). */
  readonly services: ReadonlyMap<string, Json>;
  readonly base: Json;
}

const fail = (message: string): never => {
  throw new FourlaneError('CLUSTER_INVALID', message);
};

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What names a service over releases: its name, or its VIP. */
export function serviceKey(service: Json): string {
  const { name, vip } = service;
  const key = name ?? vip;
  return typeof key === 'string' && key !== '' ? key : fail('a service has neither name nor vip; give it one of them');
}

/**
 * Takes a configuration apart (the value of its YAML, which must be valid): what a release carries, and what stays with the
 * server. Throws CLUSTER_INVALID when two services have one key.
 */
export function splitConfig(config: Json): { readonly content: Content; readonly local: Json } {
  const services = new Map<string, Json>();
  for (const service of (config['services'] ?? []) as readonly Json[]) {
    const key = serviceKey(service);
    if (services.has(key)) fail(`services: two are called "${key}"; give each a name of its own`);
    services.set(key, service);
  }
  const base = Object.fromEntries(BASE_KEYS.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]])));
  const local = Object.fromEntries(Object.entries(config).filter(([key]) => !SHARED_KEYS.some((shared) => shared === key)));
  return { content: { services, base }, local };
}

/**
 * The configuration of a server: its own file and the content of a release. Services are in the order of their keys, whatever
 * order they were written in. Throws CLUSTER_INVALID when the file holds what the release carries: two truths would differ one
 * day.
 */
export function mergeConfig(local: Json, { services, base }: Content): Json {
  const twice = SHARED_KEYS.filter((key) => local[key] !== undefined);
  if (twice.length > 0)
    fail(`the file on this server has ${twice.join(', ')}, which the cluster's release carries; take them out of the file`);
  return { ...local, ...base, services: sorted(services).map(([, service]) => service) };
}

/** Entries by key, in an order that does not depend on the locale. */
export function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** The VIPs of the services. */
export function vipsOf({ services }: Content): ReadonlySet<string> {
  return new Set([...services.values()].map(({ vip }) => String(vip)));
}

/** One real server of a service, as it is written. */
export interface WrittenServer {
  readonly address: string;
  readonly weight: number;
}

/** The weight of a real server that is written as an address only; any number but 0 does here. */
const SOME_WEIGHT = 100;

/** The real servers of a service. */
export function realServersOf(service: Json): readonly WrittenServer[] {
  const { realServers } = service;
  if (!Array.isArray(realServers)) return [];
  return realServers.map((each: unknown) => {
    if (!isObject(each)) return { address: String(each), weight: SOME_WEIGHT };
    return { address: String(each['address']), weight: typeof each['weight'] === 'number' ? each['weight'] : SOME_WEIGHT };
  });
}

/** The real servers of a configuration, each once and sorted: what evidence counts in. */
export function realServerList({ services }: Content): readonly string[] {
  const all = [...services.values()].flatMap((service) => realServersOf(service).map(({ address }) => address));
  return [...new Set(all)].toSorted();
}
