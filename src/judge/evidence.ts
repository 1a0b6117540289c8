/** The evidence log: one JSON line per observation, a header line first. Text to facts and back; docs/attribution.md describes the format. */
import { FourlaneError } from '../model/errors.ts';
import type { DataplaneFact, LinkFact, ResultBatch } from '../model/facts.ts';
import { type Cause, CAUSES, causeCode, OUTCOMES, outcomeCode, type Phase, PHASES, phaseCode } from '../model/outcome.ts';
import { resolveRules } from '../model/rules.ts';
import type { JudgeNic, JudgeRealServer, JudgeService, Topology } from '../model/topology.ts';

type Json = Readonly<Record<string, unknown>>;

// ---- writing

/** The header line of this topology. */
export function formatHeader(t: Topology): string {
  return JSON.stringify({
    v: 1,
    interval_ms: t.intervalMs,
    timeout_ms: t.timeoutMs,
    fall: t.fall,
    rise: t.rise,
    nics: t.nics.map(({ name, group, anchors }) => ({ name, group, anchors })),
    realServers: t.realServers.map((r) => ({
      id: r.id,
      rack: r.rack,
      ...(r.intervalMs === t.intervalMs ? {} : { interval_ms: r.intervalMs }),
      ...(r.timeoutMs === t.timeoutMs ? {} : { timeout_ms: r.timeoutMs }),
      ...(r.fall === t.fall ? {} : { fall: r.fall }),
      ...(r.rise === t.rise ? {} : { rise: r.rise }),
    })),
    services: t.services.map((v) => ({
      name: v.name,
      nics: v.nics.map((i) => t.nics[i]!.name),
      realServers: v.realServers.map((j) => t.realServers[j]!.id),
      panic: v.panic,
    })),
    ...(Object.keys(t.rules).length > 0 ? { rules: t.rules } : {}),
  });
}

/** The line of the k-th result of a batch. */
export function formatResult(t: Topology, b: ResultBatch, k: number): string {
  const nic = t.nics[b.nic[k]!]!;
  const target = b.target[k]!;
  const of = target < 0 ? { anchor: nic.anchors[-target - 1] } : { rs: t.realServers[target]!.id };
  const cause = b.cause[k]!;
  return JSON.stringify({
    t: b.t[k],
    nic: nic.name,
    ...of,
    outcome: OUTCOMES[b.outcome[k]!],
    ...(cause > 0 ? { phase: PHASES[b.phase[k]!], cause: CAUSES[cause] } : {}),
    ...(b.detail[k] === 0 ? {} : { detail: b.detail[k] }),
    ...(b.rttUs[k] === 0 ? {} : { rtt_us: b.rttUs[k] }),
    ...(b.elapsedUs[k] === 0 ? {} : { elapsed_us: b.elapsedUs[k] }),
  });
}

/** The line of a link observation. */
export function formatLink(t: Topology, f: LinkFact): string {
  return JSON.stringify({ t: f.t, nic: t.nics[f.nic]!.name, carrier: f.carrier });
}

/** The line of a data-plane observation. */
export function formatDataplane(t: Topology, f: DataplaneFact): string {
  const dataplane = { rx_pps: f.rxPps, tx_pps: f.txPps, syn_established_ratio: f.synEstablishedRatio };
  return JSON.stringify({ t: f.t, nic: t.nics[f.nic]!.name, dataplane });
}

// ---- reading

/** One observation with its indices. */
export type Observation =
  | {
      readonly kind: 'result';
      readonly t: number;
      readonly nic: number;
      /** Real server, or -(anchor + 1). */
      readonly target: number;
      readonly outcome: number;
      readonly phase: number;
      readonly cause: number;
      readonly detail: number;
      readonly rttUs: number;
      readonly elapsedUs: number;
    }
  | ({ readonly kind: 'link' } & LinkFact)
  | ({ readonly kind: 'dataplane' } & DataplaneFact);

/** Reads lines one after the other; the topology is that of the last header line. */
export class EvidenceReader {
  #topology: Topology | undefined;
  #nics = new Map<string, number>();
  #realServers = new Map<string, number>();
  #line = 0;
  #lastT = Number.NEGATIVE_INFINITY;

  /** An observation, a new topology, or undefined for an empty line. Throws FourlaneError EVIDENCE_INVALID naming the line. */
  read(text: string): Observation | Topology | undefined {
    this.#line++;
    if (text.trim() === '') return undefined;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      this.#fail(`${JSON.stringify(text.slice(0, 60))} is no JSON; every line must be one JSON object`);
    }
    if (typeof json !== 'object' || json === null || Array.isArray(json)) this.#fail('it must be a JSON object');
    const line = json as Json;
    if ('v' in line) return this.#header(line);
    if (this.#topology === undefined)
      this.#fail('the first line must be the header: {"v":1,"interval_ms":…,"nics":[…],"realServers":[…],"services":[…]}');
    return this.#observation(line, this.#topology);
  }

  /** The line read last, from 1. */
  get line(): number {
    return this.#line;
  }

  #fail(message: string): never {
    throw new FourlaneError('EVIDENCE_INVALID', `line ${this.#line}: ${message}`);
  }

  #number(line: Json, name: string, min: number, max: number, fallback?: number): number {
    const value = line[name];
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      this.#fail(`${name} is ${JSON.stringify(value) ?? 'missing'}; it must be a number from ${min} to ${max}`);
    }
    return value;
  }

  #text(line: Json, name: string): string {
    const value = line[name];
    if (typeof value !== 'string' || value === '')
      this.#fail(`${name} is ${JSON.stringify(value) ?? 'missing'}; it must be text`);
    return value;
  }

  #only(line: Json, allowed: readonly string[]): void {
    const unknown = Object.keys(line).find((name) => !allowed.includes(name));
    if (unknown !== undefined) this.#fail(`unknown entry "${unknown.slice(0, 40)}"; allowed are ${allowed.join(', ')}`);
  }

  #index(map: ReadonlyMap<string, number>, id: unknown, what: string): number {
    const k = typeof id === 'string' ? map.get(id) : undefined;
    if (k === undefined)
      this.#fail(`${what} ${JSON.stringify(id) ?? 'is missing'} is not in the header; add it there or take the line out`);
    return k;
  }

  #observation(line: Json, topology: Topology): Observation {
    const t = this.#number(line, 't', 0, Number.MAX_SAFE_INTEGER);
    const back = topology.intervalMs + topology.timeoutMs;
    if (t < this.#lastT - back) this.#fail(`t ${t} is more than ${back} ms before ${this.#lastT}; sort the lines by t`);
    if (t > this.#lastT + MAX_GAP_MS && this.#lastT >= 0)
      this.#fail(`t ${t} is more than a day after ${this.#lastT}; split the log there`);
    this.#lastT = Math.max(t, this.#lastT);
    const nic = this.#index(this.#nics, line['nic'], 'nic');
    if ('carrier' in line) {
      this.#only(line, ['t', 'nic', 'carrier']);
      const carrier = line['carrier'];
      if (carrier !== 0 && carrier !== 1) this.#fail(`carrier is ${JSON.stringify(carrier)}; it must be 0 or 1`);
      return { kind: 'link', t, nic, carrier };
    }
    if ('dataplane' in line) {
      this.#only(line, ['t', 'nic', 'dataplane']);
      const d = this.#object(line['dataplane'], 'dataplane');
      this.#only(d, ['rx_pps', 'tx_pps', 'syn_established_ratio']);
      const rxPps = this.#number(d, 'rx_pps', 0, Number.MAX_VALUE);
      const txPps = this.#number(d, 'tx_pps', 0, Number.MAX_VALUE);
      return {
        kind: 'dataplane',
        t,
        nic,
        rxPps,
        txPps,
        synEstablishedRatio: this.#number(d, 'syn_established_ratio', 0, Number.MAX_VALUE),
      };
    }
    this.#only(line, ['t', 'nic', 'rs', 'anchor', 'outcome', 'phase', 'cause', 'detail', 'rtt_us', 'elapsed_us']);
    return {
      kind: 'result',
      t,
      nic,
      target: this.#target(line, topology, nic),
      outcome: this.#code(line, 'outcome', outcomeCode, OUTCOMES),
      phase: 'phase' in line ? this.#code(line, 'phase', (x) => phaseCode(x as Phase), PHASES) : 0,
      cause: 'cause' in line ? this.#code(line, 'cause', (x) => causeCode(x as Cause), CAUSES) : 0,
      detail: this.#number(line, 'detail', -2_147_483_648, 2_147_483_647, 0),
      rttUs: this.#number(line, 'rtt_us', 0, 4_294_967_295, 0),
      elapsedUs: this.#number(line, 'elapsed_us', 0, 4_294_967_295, 0),
    };
  }

  #target(line: Json, topology: Topology, nic: number): number {
    if ('rs' in line === 'anchor' in line) this.#fail('it needs either rs or anchor, carrier or dataplane');
    if ('rs' in line) return this.#index(this.#realServers, line['rs'], 'rs');
    const a = topology.nics[nic]!.anchors.indexOf(String(line['anchor']));
    if (a < 0) this.#fail(`anchor ${JSON.stringify(line['anchor'])} is none of NIC ${topology.nics[nic]!.name} in the header`);
    return -(a + 1);
  }

  #code(line: Json, name: string, code: (x: string) => number, all: readonly string[]): number {
    const k = code(String(line[name]));
    if (k < 0) this.#fail(`${name} is ${JSON.stringify(line[name]) ?? 'missing'}; it must be one of ${all.join(', ')}`);
    return k;
  }

  #object(value: unknown, what: string): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.#fail(`${what} must be an object`);
    return value as Json;
  }

  #objects(line: Json, name: string): readonly Json[] {
    const value = line[name];
    if (!Array.isArray(value)) this.#fail(`${name} must be a list`);
    return value.map((x: unknown) => this.#object(x, `every entry of ${name}`));
  }

  #indices(line: Json, name: string, map: ReadonlyMap<string, number>, what: string): number[] {
    const value = line[name];
    if (!Array.isArray(value)) this.#fail(`${name} must be a list`);
    const indices = value.map((id: unknown) => this.#index(map, id, what));
    if (new Set(indices).size !== indices.length) this.#fail(`${name} of a service lists a ${what} twice`);
    return indices;
  }

  #header(line: Json): Topology {
    this.#only(line, ['v', 'interval_ms', 'timeout_ms', 'fall', 'rise', 'nics', 'realServers', 'services', 'rules']);
    if (line['v'] !== 1) this.#fail(`v is ${JSON.stringify(line['v'])}; this program reads version 1`);
    const nics = this.#objects(line, 'nics').map((n): JudgeNic => {
      this.#only(n, ['name', 'group', 'anchors']);
      const name = this.#text(n, 'name');
      const anchors = n['anchors'] ?? [];
      if (!Array.isArray(anchors) || anchors.some((a) => typeof a !== 'string'))
        this.#fail(`anchors of NIC ${name} must be a list of text`);
      return { name, group: 'group' in n ? this.#text(n, 'group') : name, anchors: anchors as string[] };
    });
    const realServers = this.#objects(line, 'realServers').map((r) => this.#realServer(r));
    this.#nics = this.#unique(
      nics.map((n) => n.name),
      'NIC',
    );
    this.#realServers = this.#unique(
      realServers.map((r) => r.id),
      'real server',
    );
    const services = this.#objects(line, 'services').map((v): JudgeService => {
      this.#only(v, ['name', 'nics', 'realServers', 'panic']);
      return {
        name: this.#text(v, 'name'),
        nics: this.#indices(v, 'nics', this.#nics, 'nic'),
        realServers: this.#indices(v, 'realServers', this.#realServers, 'rs'),
        panic: this.#number(v, 'panic', 0, 1, 0.5),
      };
    });
    this.#unique(
      services.map((v) => v.name),
      'service',
    );
    const topology: Topology = {
      intervalMs: this.#number(line, 'interval_ms', 10, 3_600_000),
      timeoutMs: this.#number(line, 'timeout_ms', 1, 3_600_000),
      fall: this.#number(line, 'fall', 1, 1000),
      rise: this.#number(line, 'rise', 1, 1000),
      nics,
      realServers,
      services,
      rules: this.#rules(line),
    };
    this.#topology = topology;
    return topology;
  }

  #realServer(r: Json): JudgeRealServer {
    this.#only(r, ['id', 'rack', 'interval_ms', 'timeout_ms', 'fall', 'rise']);
    const id = this.#text(r, 'id');
    return {
      id,
      key: id,
      ...('rack' in r ? { rack: this.#text(r, 'rack') } : {}),
      ...('interval_ms' in r ? { intervalMs: this.#number(r, 'interval_ms', 10, 3_600_000) } : {}),
      ...('timeout_ms' in r ? { timeoutMs: this.#number(r, 'timeout_ms', 1, 3_600_000) } : {}),
      ...('fall' in r ? { fall: this.#number(r, 'fall', 1, 1000) } : {}),
      ...('rise' in r ? { rise: this.#number(r, 'rise', 1, 1000) } : {}),
    };
  }

  #rules(line: Json): Record<string, number> {
    const rules = this.#object(line['rules'] ?? {}, 'rules') as Record<string, number>;
    try {
      resolveRules(rules);
    } catch (error) {
      this.#fail((error as Error).message);
    }
    return rules;
  }

  #unique(names: readonly string[], what: string): Map<string, number> {
    const map = new Map(names.map((name, k) => [name, k]));
    if (map.size !== names.length) this.#fail(`${what} ${names.find((name, k) => names.indexOf(name) !== k)} is listed twice`);
    return map;
  }
}

/** A longer silence is a broken clock rather than evidence. */
const MAX_GAP_MS = 86_400_000;
