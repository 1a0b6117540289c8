/**
 * Driver bird: BIRD's control socket, read-only. Per reading its clock, its protocols, its BFD sessions, and one question for
 * each planned prefix and uplink, those of an uplink together.
 */
import { sessionKey } from '../../../edge/expected.ts';
import type { DaemonReading } from '../data.ts';
import type { Session } from '../../../routing/session.ts';
import type { Asked, DaemonReader, Driver, DriverSettings } from '../driver.ts';
import { Leaks } from '../leaks.ts';
import {
  type BirdSession,
  decodeBfdSessions,
  decodeClock,
  decodeProtocols,
  decodeRoutes,
  secondsSince,
} from '../../../routing/bird/decode.ts';
import { BirdSocket } from '../../../routing/bird/socket.ts';
import { PROTOCOL_NAME } from '../../../routing/bird/speaker.ts';

const PROTOCOLS = 'show protocols all';

/** A session as it was the time before. */
interface Before {
  readonly established: string | undefined;
  readonly drops: number;
}

class BirdReader implements DaemonReader {
  readonly daemon = 'bird';
  readonly #socket: BirdSocket;
  readonly #leaks: Leaks;
  #before = new Map<string, Before>();

  constructor(path: string, settings: DriverSettings) {
    this.#socket = new BirdSocket(path);
    this.#leaks = new Leaks(settings);
  }

  get path(): string {
    return this.#socket.path;
  }

  run(): Promise<string | undefined> {
    return this.#socket.run();
  }

  async read(asked: Asked, signal: AbortSignal): Promise<DaemonReading> {
    const [status, protocols, bfdSessions] = await this.#socket.askAll(['show status', PROTOCOLS, 'show bfd sessions'], signal);
    const clock = decodeClock(status!);
    const { sessions: shown, routes } = decodeProtocols(PROTOCOLS, protocols!);
    const bfd = decodeBfdSessions(bfdSessions!);
    const drops = this.#countDrops(shown);
    const sessions = shown.map((session) => asSession(session, asked.nicOf(session), drops.get(sessionKey(session))!, clock));
    const { announced, complete } = await this.#readAnnounced(asked, { shown, sessions, routes }, signal);
    const placed = bfd.map((session) => {
      const nic = asked.nicOf(session);
      return { ...session, ...(nic === undefined ? {} : { nic }) };
    });
    return { daemon: this.daemon, sessions, bfd: placed, announced, complete, routes, bfdDaemon: false };
  }

  /** BIRD counts no ends of sessions: one ended when it is established no more, or anew. */
  #countDrops(sessions: readonly BirdSession[]): ReadonlyMap<string, number> {
    const next = new Map<string, Before>();
    for (const session of sessions) {
      const key = sessionKey(session);
      const established = session.state === 'established' ? session.since : undefined;
      const { established: former, drops } = this.#before.get(key) ?? { established: undefined, drops: 0 };
      next.set(key, { established, drops: former !== undefined && former !== established ? drops + 1 : drops });
    }
    this.#before = next;
    return new Map([...next].map(([key, { drops }]) => [key, drops]));
  }

  async #readAnnounced({ expected, now }: Asked, { shown, sessions, routes }: Shown, signal: AbortSignal) {
    const announced = new Map<string, readonly string[]>();
    const complete = new Set<string>();
    for (const [i, session] of sessions.entries()) {
      const key = sessionKey(session);
      const { name } = shown[i]!;
      announced.set(key, []);
      if (session.state !== 'established' || session.nic === undefined || !PROTOCOL_NAME.test(name)) continue;
      const prefixes = expected.prefixes.filter(({ uplinks }) => uplinks.some((u) => sessionKey(u) === key));
      const planned = await this.#exported(
        prefixes.map(({ prefix }) => `show route ${prefix} export ${name}`),
        signal,
      );
      announced.set(key, planned);
      if (expected.uplinks.length === 0) continue;
      const total = session.families.reduce((sum, family) => sum + family.announced, 0);
      const known = { key, planned, total, routes, now };
      const whole = await this.#leaks.whole(known, () => this.#exported([`show route export ${name}`], signal));
      if (whole === undefined) continue;
      announced.set(key, whole);
      complete.add(key);
    }
    return { announced, complete };
  }

  async #exported(commands: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const answers = await this.#socket.askAll(commands, signal);
    return answers.flatMap((answer, k) => decodeRoutes(commands[k]!, answer));
  }

  close(): void {
    this.#socket.close();
  }
}

interface Shown {
  readonly shown: readonly BirdSession[];
  readonly sessions: readonly Session[];
  readonly routes: number;
}

function asSession(shown: BirdSession, nic: string | undefined, drops: number, clock: string | undefined): Session {
  const { since, reset, message: _, ...rest } = shown;
  const ago = clock === undefined ? undefined : secondsSince(since, clock);
  const established = shown.state === 'established';
  return {
    ...rest,
    drops,
    ...(nic === undefined ? {} : { nic }),
    ...(established && ago !== undefined ? { uptime: ago } : {}),
    // The time of an error is not printed; the session is in its state since then, or for less long.
    ...(reset === undefined ? {} : { reset: { ...reset, ...(established || ago === undefined ? {} : { ago }) } }),
  };
}

export const bird: Driver = {
  name: 'bird',
  open: (settings) => (settings.bird === false ? undefined : new BirdReader(settings.bird, settings)),
};
