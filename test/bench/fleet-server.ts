/**
 * A load balancer that does not exist: every family of docs/metrics.md with plausible labels and values that move. For dashboards
 * and rules only, where real sources cannot run; nothing here says what a real one would say.
 */
import { readFileSync } from 'node:fs';

export interface Size {
  readonly nics: number;
  readonly services: number;
  readonly realServersPerService: number;
  readonly cores: number;
}

interface Family {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** States and the like, by label; the first one holds. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  source: ['dpvs'],
  direction: ['in', 'out'],
  fill: ['empty', 'partial', 'full'],
  kind: ['configured', 'wanted'],
  process: ['parent', 'vrrp', 'checker'],
  vrrp_instance: ['VI_1', 'VI_2'],
  queue: ['log_ring_w1'],
  port: ['dpdk0', 'dpdk1'],
  actuator: ['dpvs'],
  collector: ['dpdk', 'dpvs', 'ipvs', 'keepalived', 'logqueue', 'nic'],
  local_address: ['10.0.1.1', '10.0.1.2'],
  ring: ['log_ring_w1', 'msg_ring_1'],
  pool: ['mbuf_pool_0', 'log_msg_pool'],
  outcome: ['ok', 'timeout', 'refused'],
  result: ['ok', 'failed'],
  role: ['master', 'backup'],
  rack: ['r1'],
  cause: ['none'],
  verdict: ['RS_DOWN'],
};
const STATES: Readonly<Record<string, readonly string[]>> = {
  fourlane_agent_state: ['ok', 'isolated', 'stalled'],
  fourlane_lane_state: ['running', 'waiting'],
  fourlane_lane_cells: ['ok', 'link_fail', 'service_fail', 'unknown'],
  fourlane_service_real_servers: ['up', 'down', 'held'],
  fourlane_collector_state: ['data', 'absent', 'failed'],
  fourlane_core_cycles_total: ['busy', 'idle'],
  fourlane_vrrp_state: ['master', 'backup', 'fault'],
  fourlane_vrrp_addresses: ['configured', 'installed'],
};
/** Present only while something is wrong: no series in peace. */
const ONLY_IN_TROUBLE = new Set(['fourlane_real_server_verdict', 'fourlane_path_fault']);
/** What a service shows when all its real servers are down: its series, and the share of their number that is the value. */
const DOWN: readonly (readonly [pattern: RegExp, share: 0 | 1])[] = [
  [/^fourlane_service_up\{/, 0],
  [/^fourlane_real_server_up\{/, 0],
  [/^fourlane_service_real_servers\{.*state="up"/, 0],
  [/^fourlane_service_real_servers\{.*state="down"/, 1],
  [/^fourlane_real_server_weight\{.*kind="wanted"/, 0],
];
/** Kinds of those families that have others than weights have. */
const KINDS: Readonly<Record<string, readonly string[]>> = { fourlane_vrrp_priority: ['base', 'effective', 'master'] };
/** Gauges that are usually 0, and those that are seconds since the epoch, by their names. */
const QUIET = /_(?:fault|panic|stalled|pending|drifted|throttled|slow_mode|failed|unread|inhibited|overloaded|churned|verdict)$/;
const TIMESTAMP = /_timestamp_seconds$/;
const BOUNDS = [1e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 0.1, 0.5, 1];

/** The families that docs/metrics.md lists; the test of the documents keeps it equal to the code. */
function families(): readonly Family[] {
  const rows = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8').matchAll(
    /^\| `(\w+)` \| (\w+) \| ([^|]*) \|/gm,
  );
  // Detail per core and service is off unless configured.
  return [...rows]
    .filter((m) => !/^fourlane_(?:service|real_server)_core_/.test(m[1]!))
    .map((m) => ({ name: m[1]!, type: m[2]!, labels: [...m[3]!.matchAll(/`(\w+)`/g)].map((l) => l[1]!) }));
}

/** A stable number in [0, 1) for a text. */
function hash(text: string): number {
  let h = 2_166_136_261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16_777_619);
  return (h >>> 0) / 2 ** 32;
}

const range = (n: number, name: (i: number) => string) => Array.from({ length: n }, (_, i) => name(i));

/** All label sets of a family, as text within braces. */
function labelSets({ name, labels }: Family, size: Size): string[] {
  const domain = (label: string): readonly string[] => {
    if (label === 'state') return STATES[name] ?? ['a'];
    if (label === 'kind' && name in KINDS) return KINDS[name]!;
    if (label === 'nic') return range(size.nics, (i) => `eth${i}`);
    if (label === 'core') return range(size.cores, String);
    if (label === 'service') return range(size.services, (i) => `svc${i}`);
    return WORDS[label] ?? [label];
  };
  let sets = [''];
  for (const label of labels) {
    sets = sets.flatMap((set) => {
      const service = /service="svc(\d+)"/.exec(set)?.[1];
      const values =
        label === 'real_server'
          ? range(size.realServersPerService, (i) => `10.${Number(service ?? 0) >> 8}.${Number(service ?? 0) & 255}.${i + 1}:80`)
          : domain(label);
      return values.map((v) => `${set}${set === '' ? '' : ', '}${label}="${v}"`);
    });
  }
  return sets;
}

interface Series {
  readonly prefix: string;
  /** Growth per s of a counter; what a gauge is about. */
  readonly scale: number;
  readonly counter: boolean;
  readonly fixed?: number;
  /** Number of the service it is about; -1: of none. */
  readonly service: number;
  /** Value while all real servers of that service are down. */
  readonly down?: number;
}

export class Synthetic {
  readonly #series: Series[] = [];
  /** Series that are there only while the real servers of their service are down. */
  readonly #trouble: Series[] = [];
  readonly #started = Date.now();
  readonly #realServers: number;
  /** Services without a real server that is up: those below this number. */
  #lost = 0;

  constructor(cluster: string, server: string, size: Size) {
    this.#realServers = size.realServersPerService;
    const base = `cluster="${cluster}", server="${server}"`;
    for (const family of families()) {
      for (const set of labelSets(family, size)) this.#add(family, `${base}${set === '' ? '' : ', '}${set}`);
    }
  }

  /** Series in one scrape in peace. */
  get size(): number {
    return this.#series.length;
  }

  /** From now on all real servers of so many services are down. */
  lose(services: number): void {
    this.#lost = services;
  }

  #add(family: Family, set: string): void {
    const { name, type } = family;
    const scale = 1 + 99 * hash(name + set);
    const counter = type === 'counter';
    const service = Number(/service="svc(\d+)"/.exec(set)?.[1] ?? -1);
    const series = (suffix: string, labels: string, more: Partial<Series> = {}): Series => {
      const prefix = `${name}${suffix}{${labels}} `;
      const share = DOWN.find(([pattern]) => pattern.test(prefix))?.[1];
      const down = share === undefined ? {} : { down: share * this.#realServers };
      return { prefix, scale, counter: true, service, ...down, ...more };
    };
    if (ONLY_IN_TROUBLE.has(name)) {
      if (service >= 0) this.#trouble.push(series('', set, { counter, fixed: 1 }));
      return;
    }
    if (type !== 'histogram') {
      const fixed = counter ? undefined : this.#fixed(family, set);
      this.#series.push(series('', set, { counter, ...(fixed === undefined ? {} : { fixed }) }));
      return;
    }
    let share = 0;
    for (const bound of [...BOUNDS, Infinity]) {
      share = bound === Infinity ? 1 : share + (1 - share) * 0.3;
      const le = bound === Infinity ? '+Inf' : String(bound);
      this.#series.push(series('_bucket', `${set}, le="${le}"`, { scale: scale * share }));
    }
    this.#series.push(series('_sum', set, { scale: scale * 1e-4 }), series('_count', set));
  }

  /** The value of a gauge that does not move in peace; undefined for one that moves. */
  #fixed({ name, labels }: Family, set: string): number | undefined {
    const states = STATES[name];
    const first = Number(set.includes(`state="${states?.[0] ?? 'a'}"`));
    if (name === 'fourlane_service_real_servers') return this.#realServers * first;
    if (labels.includes('state') && states !== undefined && !/_cells$|_addresses$/.test(name)) return first;
    if (name.endsWith('_weight')) return 100;
    if (QUIET.test(name)) return 0;
    if (/_up$|_carrier$|_enabled$|_info$|_success$|_successful$|_running$|_present$|_connected$/.test(name)) return 1;
    if (TIMESTAMP.test(name)) return this.#started / 1000 + (name.includes('not_after') ? 90 * 86_400 : -3600);
    return undefined;
  }

  /** The text of one scrape. */
  render(): string {
    const t = (Date.now() - this.#started) / 1000;
    const line = ({ prefix, scale, counter, fixed, service, down }: Series) => {
      if (down !== undefined && service < this.#lost) return prefix + down;
      if (fixed !== undefined) return prefix + fixed;
      const value = counter
        ? Math.floor(scale * t * (1 + 0.1 * Math.sin(t / 60)))
        : (scale * (1 + 0.2 * Math.sin(t / 45 + scale))).toPrecision(5);
      return prefix + value;
    };
    const trouble = this.#trouble.filter(({ service }) => service < this.#lost);
    return `${[...this.#series, ...trouble].map(line).join('\n')}\n`;
  }
}
