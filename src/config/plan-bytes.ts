/**
 * A plan as bytes that several threads read: made once by whoever makes the plan, copied by nobody. What there are tens of
 * thousands of, targets and members of services, travels as columns: objects cost several times as much to write and to read.
 */
import { deserialize, serialize } from 'node:v8';
import { locate } from '../model/locate.ts';
import type { Address, CheckProfile, Plan, Service, ServiceRealServer, Target } from '../model/plan.ts';

interface Columns {
  /** JSON, like `realServer` and `ip`: one text is read much faster than many. */
  readonly id: string;
  /** '' where it is the id. */
  readonly realServer: string;
  /** Index into `keyEnds` when the key is the real server, a blank and that; else -1 - index into `keys`. */
  readonly key: Int32Array;
  readonly keyEnds: readonly string[];
  readonly keys: string[];
  /** '' where the real server begins with it, before a colon. */
  readonly ip: string;
  readonly port: Int32Array;
  readonly family: Uint8Array;
  /** '' = none; likewise the racks. */
  readonly scope: Int32Array;
  readonly rack: Int32Array;
  readonly names: readonly (string | undefined)[];
  readonly check: Int32Array;
  readonly checks: readonly CheckProfile[];
}

interface Packed {
  readonly rest: Omit<Plan, 'targets' | 'services'>;
  readonly targets: Columns;
  readonly services: readonly (Omit<Service, 'realServers'> & {
    readonly target: Int32Array;
    readonly weight: Float64Array;
    readonly further: ReadonlyMap<number, readonly number[]>;
  })[];
}

/** Values by the order of their first appearance. */
class Table<T> {
  readonly values: T[] = [];
  readonly #index = new Map<T, number>();

  of(value: T): number {
    let at = this.#index.get(value);
    if (at === undefined) this.#index.set(value, (at = this.values.push(value) - 1));
    return at;
  }
}

function packTargets(targets: readonly Target[]): Columns {
  const m = targets.length;
  const [names, ends, checks] = [new Table<string | undefined>(), new Table<string>(), new Table<CheckProfile>()];
  const ints = () => new Int32Array(m);
  const [key, port, scope, rack, check] = [ints(), ints(), ints(), ints(), ints()];
  const [family, keys] = [new Uint8Array(m), [] as string[]];
  const [id, realServer, ip] = [[] as string[], [] as string[], [] as string[]];
  for (let j = 0; j < m; j++) {
    const t = targets[j]!;
    id.push(t.id);
    realServer.push(t.realServer === t.id ? '' : t.realServer);
    ip.push(beginsWith(t.realServer, t.address.ip) ? '' : t.address.ip);
    family[j] = t.address.family;
    port[j] = t.address.port;
    scope[j] = names.of(t.address.scope);
    rack[j] = names.of(t.rack);
    check[j] = checks.of(t.check);
    const end = t.realServer.length;
    const regular = t.key.charCodeAt(end) === 32 && t.key.startsWith(t.realServer);
    key[j] = regular ? ends.of(t.key.slice(end + 1)) : -keys.push(t.key);
  }
  const tables = { keyEnds: ends.values, names: names.values, checks: checks.values };
  const [ids, realServers, ips] = [id, realServer, ip].map((texts) => JSON.stringify(texts)) as [string, string, string];
  return { id: ids, realServer: realServers, key, keys, ip: ips, port, family, scope, rack, check, ...tables };
}

/** Whether a real server's text is this address and a port. */
function beginsWith(realServer: string, ip: string): boolean {
  return realServer.charCodeAt(ip.length) === COLON && realServer.startsWith(ip);
}

const COLON = 58;

/** What is the same in another plan is taken from there, which costs less than making it again. */
function unpackTargets(c: Columns, former: readonly Target[]): readonly Target[] {
  const texts = (json: string) => JSON.parse(json) as readonly string[];
  const [ids, realServers] = [texts(c.id), texts(c.realServer)];
  let ips: readonly string[] | undefined;
  const where = locate(
    ids,
    former.map((t) => t.id),
  );
  return ids.map((id, j) => {
    const known = former[where[j]!];
    const realServer = realServers[j] || id;
    if (known !== undefined && isSame(known, realServer, c, j)) return known;
    const end = c.key[j]!;
    const key = end < 0 ? c.keys[-end - 1]! : `${realServer} ${c.keyEnds[end]}`;
    const scope = c.names[c.scope[j]!];
    const rack = c.names[c.rack[j]!];
    ips ??= texts(c.ip);
    const ip = ips[j] || realServer.slice(0, realServer.indexOf(':'));
    const plain: Address = { family: c.family[j] === 6 ? 6 : 4, ip, port: c.port[j]! };
    const address = scope === undefined ? plain : { ...plain, scope };
    const check = c.checks[c.check[j]!]!;
    return rack === undefined ? { id, key, realServer, address, check } : { id, key, realServer, address, rack, check };
  });
}

/** Whether the target of this id is that of these columns. The key holds the address and the check. */
function isSame({ key, realServer, rack }: Target, its: string, c: Columns, j: number): boolean {
  const end = c.key[j]!;
  if (end < 0 || realServer !== its || rack !== c.names[c.rack[j]!]) return false;
  const text = c.keyEnds[end]!;
  return key.length === realServer.length + 1 + text.length && key.endsWith(text);
}

/** The plan as bytes. */
export function packPlan({ targets, services, ...rest }: Plan): SharedArrayBuffer {
  const packed: Packed = {
    rest,
    targets: packTargets(targets),
    services: services.map(({ realServers, ...service }) => {
      const target = new Int32Array(realServers.length);
      const weight = new Float64Array(realServers.length);
      const further = new Map<number, readonly number[]>();
      realServers.forEach((member, r) => {
        target[r] = member.target;
        weight[r] = member.weight;
        if (member.further !== undefined) further.set(r, member.further);
      });
      return { ...service, target, weight, further };
    }),
  };
  const bytes = serialize(packed);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}

/** The plan that `packPlan` was given. Targets that are the same in `former` are taken from there. */
export function unpackPlan(shared: SharedArrayBuffer, former?: Plan): Plan {
  const { rest, targets, services } = deserialize(new Uint8Array(shared)) as Packed;
  return {
    ...rest,
    targets: unpackTargets(targets, former?.targets ?? []),
    services: services.map(({ target, weight, further, ...service }) => ({
      ...service,
      realServers: Array.from(target, (t, r): ServiceRealServer => {
        const others = further.get(r);
        return others === undefined ? { target: t, weight: weight[r]! } : { target: t, further: others, weight: weight[r]! };
      }),
    })),
  };
}
