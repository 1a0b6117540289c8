/** Virtual servers of keepalived as services, as they would be written in fourlane.yaml, and what is left out. Pure. */
import type { Config } from '../config/config.ts';
import { type Checker, type Key, type RealServer, type ServerGroup, timingOf, type VirtualServer } from '../config/lvs.ts';
import { flagIn, has, numberIn, numberOrDefault } from '../config/values.ts';
import type { Tracker } from '../config/vrrp.ts';
import type { Span } from '../read/source.ts';
import { type Block, statementOf } from '../read/tree.ts';
import type { Hooks, LvsServer } from '../../model/plan.ts';
import { CHECKERS, PORTLESS, type ScriptAccount } from './checkers.ts';
import { hooksIn, scriptUser } from './hooks.ts';
import { type Paced, paceOf } from './pace.ts';
import type { Left, Note } from './left.ts';
import { lvsServerOf, lvsServiceOf, type TranslatedLvs } from './lvs.ts';
import type { Profile, WantedTiming } from './timing.ts';

export interface TranslatedServer {
  readonly at: Span;
  readonly value: { readonly address: string; readonly weight: number; readonly checks: readonly string[] };
  /** Its scripts; undefined: it has none, or they are not run. */
  readonly hooks: Hooks | undefined;
  readonly lvs: LvsServer;
}

export interface TranslatedService {
  readonly at: Span;
  readonly vip: string;
  readonly realServers: readonly TranslatedServer[];
  /** The scripts of its quorum; undefined: it has none, or they are not run. */
  readonly hooks: Hooks | undefined;
  /** In weight. */
  readonly quorum: number;
  readonly hysteresis: number;
  /** At the end everything is announced as down. */
  readonly omega: boolean;
  readonly lvs: TranslatedLvs;
}

/** A check; `paced`: with keepalived's own times. */
export interface TranslatedCheck {
  readonly value: Profile;
  readonly at: Span;
  readonly paced?: Paced;
}

export interface Translated {
  readonly services: readonly TranslatedService[];
  /** Check profiles by the names that real servers use, each where it was first needed. */
  readonly checks: ReadonlyMap<string, TranslatedCheck>;
  readonly left: readonly Left[];
}

/** Addresses of one line of a group that become services. */
const MOST_OF_RANGE = 1024;
const HEAVIEST = 65_535;

/** What else is wanted of a translation. */
export interface Wanted {
  /** fourlane does keepalived's work: scripts are run, and sorry servers put in. */
  readonly manage?: boolean;
  /** Times and states are keepalived's own. */
  readonly semantics?: 'fourlane' | 'keepalived';
  /** Whom scripts are run as without script_user, when this machine has such a user. */
  readonly defaultUser?: string | undefined;
  /** Where the states of BFD sessions are read: parameters of the check bfd. */
  readonly bfd?: object | undefined;
}

/** Translates every virtual server. Linear in the configuration and in the addresses of its groups. */
export function translate(config: Config, timing: WantedTiming = {}, wanted: Wanted = {}): Translated {
  return new Translation(config, timing, wanted).run();
}

class Translation {
  readonly #config: Config;
  readonly #timing: WantedTiming;
  readonly #manages: boolean;
  readonly #account: ScriptAccount;
  readonly #bfd: object | undefined;
  /** As keepalived does it. */
  readonly #faithful: boolean;
  readonly #left: Left[] = [];
  readonly #services: TranslatedService[] = [];
  readonly #checks = new Map<string, TranslatedCheck>();
  /** Names of checks by their content. */
  readonly #names = new Map<string, string>();
  readonly #taken = new Map<string, number>();
  readonly #vips = new Set<string>();
  readonly #files: ReadonlyMap<string, Tracker>;
  readonly #groups: ReadonlyMap<string, ServerGroup>;

  constructor(config: Config, timing: WantedTiming, { manage = false, semantics, defaultUser, bfd }: Wanted) {
    this.#config = config;
    this.#timing = timing;
    this.#manages = manage;
    const written = scriptUser(config.globals);
    this.#account = written.length > 0 || defaultUser === undefined ? written : [defaultUser];
    this.#bfd = bfd;
    this.#faithful = semantics === 'keepalived';
    this.#files = new Map(config.trackers.filter(({ kind }) => kind === 'file').map((tracker) => [tracker.name, tracker]));
    this.#groups = new Map(config.serverGroups.map((group) => [group.name, group]));
  }

  readonly #note: Note = (at, message) => void this.#left.push({ at, message });

  run(): Translated {
    for (const virtual of this.#config.virtualServers) this.#virtualServer(virtual);
    return { services: this.#services, checks: this.#checks, left: this.#left };
  }

  #virtualServer(virtual: VirtualServer): void {
    const at = virtual.statement.keyword;
    const protocol = (virtual.protocol ?? 'UDP').toLowerCase();
    if (protocol === 'sctp') return this.#note(at, 'virtual server for SCTP: fourlane checks services of TCP and UDP');
    const keys = this.#keysOf(virtual);
    if (keys.length === 0) return;
    this.#behaviour(virtual);
    for (const key of keys) this.#service(virtual, key, protocol);
  }

  /** What names it: one key, or those of its group. */
  #keysOf({ key, statement }: VirtualServer): readonly Key[] {
    if (key.kind === 'unclear') {
      this.#note(statement.keyword, 'virtual server whose address is not valid, or holds a variable that is not known');
      return [];
    }
    if (key.kind !== 'group') return [key];
    const group = this.#groups.get(key.name);
    if (group === undefined) this.#note(statement.keyword, `virtual server of the group ${key.name}, which is not defined`);
    return (group?.entries ?? []).flatMap((entry): readonly Key[] => {
      if (entry.kind === 'fwmark') return [entry];
      if (entry.kind === 'addresses') {
        const all = rangeOf(entry.ip, entry.to);
        if (all !== undefined) return all.map((ip) => ({ kind: 'address', ip, port: entry.port }));
      }
      this.#note(entry.at.keyword, `line of the group ${key.name} that is no address, or a range of more than ${MOST_OF_RANGE}`);
      return [];
    });
  }

  #service(virtual: VirtualServer, key: Key, protocol: string): void {
    const at = virtual.statement.keyword;
    if (key.kind === 'address' && key.port === 0)
      return this.#note(at, `virtual server ${key.ip} of all ports: fourlane has services of one port`);
    const vip = vipOf(key, protocol);
    if (this.#vips.has(vip)) return this.#note(at, `virtual server ${vip} stands there twice: the first one counts`);
    this.#vips.add(vip);
    const { ip, port } = key.kind === 'address' ? key : { ip: undefined, port: 0 };
    const realServers = virtual.realServers.flatMap((real) => this.#realServer(virtual, real, { ip, port, protocol, key }) ?? []);
    if (realServers.length === 0) this.#note(at, `virtual server ${vip} without a real server`);
    else {
      const { quorum, hysteresis, block } = virtual;
      const lvs = lvsServiceOf(virtual, key);
      if (this.#manages && virtual.sorry !== undefined && lvs.sorry === undefined)
        this.#note(virtual.sorry.statement.keyword, `sorry_server of ${vip}: ${SKIPPED}`);
      const omega = has(block, 'omega');
      this.#services.push({ at, vip, realServers, hooks: this.#hooksIn(block, 'quorum'), quorum, hysteresis, omega, lvs });
    }
  }

  #realServer(
    virtual: VirtualServer,
    real: RealServer,
    outer: { readonly ip: string | undefined; readonly port: number; readonly protocol: string; readonly key: Key },
  ): TranslatedServer | undefined {
    const at = real.statement.keyword;
    if (real.ip === undefined) {
      this.#note(at, 'real server whose address is not valid, or holds a variable that is not known');
      return undefined;
    }
    if (outer.ip !== undefined && outer.ip.includes(':') !== real.ip.includes(':') && real.method !== 'TUN') {
      this.#note(at, `real server ${real.ip} of ${outer.ip}: keepalived skips one of another family, unless it is a TUN`);
      return undefined;
    }
    // Without translation of ports a real server gets what the virtual server gets.
    const port = real.port === 0 || (real.method !== 'NAT' && outer.port !== 0) ? outer.port : real.port;
    if (real.weight > HEAVIEST) this.#note(at, `weight ${real.weight}: the greatest of fourlane is ${HEAVIEST}`);
    const checks = this.#checksOf(virtual, real, { port, protocol: outer.protocol });
    const value = { address: addressText(real.ip, port), weight: Math.min(real.weight, HEAVIEST), checks };
    return { at, value, hooks: this.#hooksIn(real.block, 'notify'), lvs: lvsServerOf(virtual, real, outer.key) };
  }

  #hooksIn(block: Block, kind: 'notify' | 'quorum'): Hooks | undefined {
    return this.#manages ? hooksIn(block, kind, this.#config.globals) : undefined;
  }

  #checksOf(virtual: VirtualServer, real: RealServer, { port, protocol }: { port: number; protocol: string }): readonly string[] {
    const given = { files: this.#files, timing: this.#timing, scripts: this.#account, bfd: this.#bfd, note: this.#note };
    const around = { outer: [real.block, virtual.block], ...given };
    const names = new Set<string>();
    for (const checker of real.checkers) {
      const value = CHECKERS[checker.kind]?.(checker, around);
      if (value === undefined) continue;
      const at = checker.statement.keyword;
      if (port === 0 && !PORTLESS.has(value.type) && value['connectPort'] === undefined)
        this.#note(at, `${checker.kind}: neither the real server nor the check has a port`);
      else names.add(this.#named(checker.kind, value, at, this.#pacedBy(virtual, value, checker)));
    }
    if (names.size > 0) return [...names];
    const at = real.statement.keyword;
    const [kind, what] = protocol === 'udp' || port === 0 ? (['ping', 'ping'] as const) : (['tcp', 'a TCP connection'] as const);
    const why = this.#faithful ? `it is never taken out; ${what} tells of NICs only` : `fourlane checks it by ${what}`;
    const never = this.#faithful ? 'as for keepalived' : 'keepalived never takes it out;';
    this.#note(at, `real server without a check that is taken over: ${never} ${why}`);
    return [this.#named('without_checker', { type: kind, ...this.#timing }, at, this.#pacedBy(virtual, { type: kind }, real))];
  }

  /** keepalived's own times, where these are wanted: of a checker, or of a real server without one. */
  #pacedBy({ block }: VirtualServer, value: Profile, of: Checker | RealServer): Paced | undefined {
    if (!this.#faithful) return undefined;
    const isChecker = 'timing' in of;
    const timing = isChecker ? of.timing : timingOf({ name: '', block: undefined }, of.block, block);
    return paceOf(value, timing, {
      fastRecovery: flagIn(of.block, 'fast_recovery') === true,
      // Of the virtual server, also where the real server has another delay_loop.
      scriptTimeout: numberIn(of.block, 'misc_timeout') || numberOrDefault(block, 'delay_loop'),
      never: !isChecker,
    });
  }

  /** The name of a check: equal ones have one. */
  #named(kind: string, value: Profile, at: Span, paced: Paced | undefined): string {
    const text = JSON.stringify([kind, value, paced]);
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const number = (this.#taken.get(kind) ?? 0) + 1;
    this.#taken.set(kind, number);
    const name = number === 1 ? kind : `${kind}-${number}`;
    this.#names.set(text, name);
    this.#checks.set(name, { value, at, ...(paced === undefined ? {} : { paced }) });
    return name;
  }

  /** What of a virtual server's and its real servers' behaviour fourlane does otherwise. */
  #behaviour(virtual: VirtualServer): void {
    for (const [name, message] of Object.entries(VIRTUAL)) this.#noteIf(virtual, name, message);
    for (const real of virtual.realServers) for (const [name, message] of Object.entries(REAL)) this.#noteIf(real, name, message);
  }

  #noteIf({ block }: Pick<VirtualServer, 'block'>, name: string, message: string): void {
    const statement = has(block, name) ? statementOf(block, name) : undefined;
    if (statement === undefined || (this.#manages && (message === SCRIPTS || message === SORRY))) return;
    if (this.#manages && OF_QUORUM.has(name) && has(block, 'sorry_server')) return;
    if (this.#faithful && FAITHFUL.has(name)) return;
    const words = [name, ...statement.args.slice(0, 2).map((word) => word.text)].join(' ');
    this.#note(statement.keyword, `${words}: ${message}`);
  }
}

const SCRIPTS = 'scripts are run with mode: manage only';
const SORRY = 'it is put in with mode: manage only';
const SKIPPED = 'keepalived skips one without a valid address, or of another family, unless it is a TUN';
const VIRTUAL: Readonly<Record<string, string>> = {
  quorum: 'fourlane keeps a least share of real servers in service instead (panic)',
  hysteresis: 'fourlane keeps a least share of real servers in service instead (panic)',
  sorry_server: SORRY,
  alpha: 'fourlane takes nothing out that it has not seen fail',
  omega: SCRIPTS,
  ha_suspend: 'fourlane checks whether or not the VIP is on this machine',
  quorum_up: SCRIPTS,
  quorum_down: SCRIPTS,
};
/** What decides when a sorry server is put in. */
const OF_QUORUM: ReadonlySet<string> = new Set(['quorum', 'hysteresis']);
/** What is as for keepalived with its semantics. */
const FAITHFUL: ReadonlySet<string> = new Set(['quorum', 'hysteresis', 'alpha']);
const REAL: Readonly<Record<string, string>> = {
  alpha: VIRTUAL['alpha']!,
  notify_up: SCRIPTS,
  notify_down: SCRIPTS,
};

function vipOf(key: Key, protocol: string): string {
  if (key.kind === 'fwmark') return `fwmark:${key.mark}`;
  return key.kind === 'address' ? `${addressText(key.ip, key.port)}/${protocol}` : '';
}

function addressText(ip: string, port: number): string {
  if (port === 0) return ip;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** All addresses from one to another; undefined when they are too many, or no IPv4 range. */
function rangeOf(first: string, last: string): string[] | undefined {
  if (first === last) return [first];
  if (first.includes(':')) return undefined;
  const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const [from, to] = [number(first), number(last)];
  if (!(to >= from && to - from < MOST_OF_RANGE)) return undefined;
  return Array.from({ length: to - from + 1 }, (_, i) =>
    [24, 16, 8, 0].map((shift) => Math.floor((from + i) / 2 ** shift) % 256).join('.'),
  );
}
