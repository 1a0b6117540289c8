/**
 * Driver frr: bgpd and bfdd by their vty sockets. Per reading one command for all sessions, one for each planned prefix and VRF,
 * one for BFD; reasons of resets when a session has changed, and every sixth time.
 */
import { sessionKey } from '../../../edge/expected.ts';
import type { DaemonReading } from '../data.ts';
import type { BfdSession, Reset, Session } from '../../../routing/session.ts';
import type { Asked, DaemonReader, Driver, DriverSettings } from '../driver.ts';
import { Leaks } from '../leaks.ts';
import {
  decodeAdvertised,
  decodeBfd,
  DecodeError,
  decodeNeighbors,
  decodePrefix,
  decodeSummary,
  tableOf,
} from '../../../routing/frr/decode.ts';
import { SUCCESS, Vty } from '../../../routing/frr/vty.ts';
import { COMMAND_WORD } from '../../../routing/speaker.ts';

const SUMMARY = 'show bgp vrf all summary json';
const NEIGHBORS = 'show bgp vrf all neighbors json';
const BFD = 'show bfd peers json';
/** Readings between two looks at the reasons of resets. */
const REASONS_EVERY = 6;

class FrrReader implements DaemonReader {
  readonly daemon = 'bgpd';
  readonly #bgpd: Vty;
  readonly #bfdd: Vty;
  readonly #leaks: Leaks;
  #resets: ReadonlyMap<string, Reset> = new Map();
  /** When they were asked for: monotonic ms. */
  #resetsAt = 0;
  #states = '';
  #readings = 0;

  constructor(directory: string, settings: DriverSettings) {
    this.#bgpd = new Vty(`${directory}/bgpd.vty`, 'bgpd');
    this.#bfdd = new Vty(`${directory}/bfdd.vty`, 'bfdd');
    this.#leaks = new Leaks(settings);
  }

  get path(): string {
    return this.#bgpd.path;
  }

  run(): Promise<string | undefined> {
    return this.#bgpd.run();
  }

  async read(asked: Asked, signal: AbortSignal): Promise<DaemonReading> {
    const [bgp, bfd] = await Promise.all([this.#readBgp(asked, signal), this.#readBfd(signal)]);
    const placed = bfd.sessions.map((session) => ({ ...session, ...nicPart(asked.nicOf(session)) }));
    const { sessions: _, ...bfdRest } = bfd;
    return { daemon: this.daemon, ...bgp, bfd: placed, ...bfdRest };
  }

  async #readBgp(asked: Asked, signal: AbortSignal) {
    const { sessions: bare, routes } = decodeSummary(SUMMARY, await this.#command(SUMMARY, signal));
    await this.#readResets(bare, asked.now, signal);
    const sessions = bare.map((session) => {
      const reset = this.#resets.get(sessionKey(session));
      const ago = reset?.ago === undefined ? {} : { ago: reset.ago + (asked.now - this.#resetsAt) / 1000 };
      return { ...session, ...nicPart(asked.nicOf(session)), ...(reset === undefined ? {} : { reset: { ...reset, ...ago } }) };
    });
    const announced = await this.#readPlanned(asked, sessions, signal);
    const complete = await this.#readLeaks({ asked, sessions, announced, routes }, signal);
    return { sessions, announced, complete, routes };
  }

  async #readResets(sessions: readonly Session[], now: number, signal: AbortSignal): Promise<void> {
    const states = sessions.map((s) => `${sessionKey(s)} ${s.state} ${s.drops}`).join('\n');
    if (states === this.#states && this.#readings++ % REASONS_EVERY !== 0) return;
    this.#resets = decodeNeighbors(NEIGHBORS, await this.#command(NEIGHBORS, signal));
    this.#resetsAt = now;
    this.#states = states;
  }

  /** By session, the planned prefixes that it announces. */
  async #readPlanned({ expected }: Asked, sessions: readonly Session[], signal: AbortSignal): Promise<Map<string, string[]>> {
    const announced = new Map<string, string[]>(sessions.map((s) => [sessionKey(s), []]));
    const vrfs = new Set(sessions.map((s) => s.vrf));
    for (const { prefix, uplinks } of expected.prefixes) {
      for (const vrf of new Set(uplinks.map((u) => u.vrf))) {
        if (!vrfs.has(vrf) || !COMMAND_WORD.test(vrf)) continue;
        const command = `show bgp ${tableOf(vrf, prefix)} ${prefix} json`;
        for (const peer of decodePrefix(command, await this.#command(command, signal))) {
          announced.get(sessionKey({ vrf, peer }))?.push(prefix);
        }
      }
    }
    return announced;
  }

  /** All that sessions over NICs announce, where it is time to look. @returns sessions whose list is whole now */
  async #readLeaks({ asked, sessions, announced, routes }: Found, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const complete = new Set<string>();
    if (asked.expected.uplinks.length === 0) return complete;
    for (const session of sessions) {
      const { nic, state, vrf, peer, families } = session;
      const key = sessionKey(session);
      if (nic === undefined || state !== 'established' || !COMMAND_WORD.test(peer) || !COMMAND_WORD.test(vrf)) continue;
      const total = families.reduce((sum, family) => sum + family.announced, 0);
      const known = { key, planned: announced.get(key)!, total, routes, now: asked.now };
      const whole = await this.#leaks.whole(known, () => this.#advertised(session, signal));
      if (whole === undefined) continue;
      announced.set(key, whole);
      complete.add(key);
    }
    return complete;
  }

  async #advertised({ vrf, peer, families }: Session, signal: AbortSignal): Promise<readonly string[]> {
    const all: string[] = [];
    for (const { family, up, announced } of families) {
      if (!up || announced === 0) continue;
      const table = `${vrf === 'default' ? '' : `vrf ${vrf} `}${family} unicast`;
      const command = `show bgp ${table} neighbors ${peer} advertised-routes json`;
      all.push(...decodeAdvertised(command, await this.#command(command, signal)));
    }
    return all;
  }

  /** BFD has a daemon of its own, whose troubles are not those of bgpd. */
  async #readBfd(signal: AbortSignal): Promise<BfdRead> {
    if ((await this.#bfdd.run()) === undefined) return { sessions: [], bfdDaemon: false };
    try {
      const { status, text } = await this.#bfdd.ask(BFD, signal);
      if (status !== SUCCESS) throw new DecodeError(BFD, text.trim());
      return { sessions: decodeBfd(BFD, text), bfdDaemon: true };
    } catch (error) {
      if (signal.aborted) throw error;
      return { sessions: [], bfdDaemon: true, bfdProblem: (error as Error).message };
    }
  }

  async #command(command: string, signal: AbortSignal): Promise<string> {
    const { status, text } = await this.#bgpd.ask(command, signal);
    if (status !== SUCCESS) throw new DecodeError(`${this.path}: ${command}`, `status ${status}: ${text.trim().slice(0, 200)}`);
    return text;
  }

  close(): void {
    this.#bgpd.close();
    this.#bfdd.close();
  }
}

interface BfdRead {
  readonly sessions: readonly BfdSession[];
  readonly bfdDaemon: boolean;
  readonly bfdProblem?: string;
}

interface Found {
  readonly asked: Asked;
  readonly sessions: readonly Session[];
  readonly announced: Map<string, readonly string[]>;
  readonly routes: number;
}

const nicPart = (nic: string | undefined) => (nic === undefined ? {} : { nic });

export const frr: Driver = {
  name: 'frr',
  open: (settings) => (settings.frr === false ? undefined : new FrrReader(settings.frr, settings)),
};
