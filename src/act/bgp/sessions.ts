/** The sessions of every routing daemon that is there, and changes that are believed when the daemon shows them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionKey } from '../../edge/expected.ts';
import type { Sockets, Speaker, SpokenSession } from '../../routing/speaker.ts';
import { openSpeakers } from '../../routing/speakers.ts';

const PAUSE_MS = 50;
const MOST_LOOKS = 20;

/** How a daemon is opened; tests open others. */
export type Open = (sockets: Sockets) => readonly Speaker[];

export class Sessions {
  readonly #speakers: readonly Speaker[];
  /** By key, as last read. */
  found: ReadonlyMap<string, SpokenSession> = new Map();
  #by = new Map<string, Speaker>();

  private constructor(speakers: readonly Speaker[]) {
    this.#speakers = speakers;
  }

  /** Reads them. Rejects when no daemon is there, or one that is does not answer. */
  static async open(sockets: Sockets, signal: AbortSignal, open: Open = openSpeakers): Promise<Sessions> {
    const sessions = new Sessions(open(sockets));
    try {
      await sessions.read(signal);
      return sessions;
    } catch (error) {
      sessions.close();
      throw error;
    }
  }

  async read(signal: AbortSignal): Promise<void> {
    const found = new Map<string, SpokenSession>();
    const by = new Map<string, Speaker>();
    let there = 0;
    for (const speaker of this.#speakers) {
      if ((await speaker.run()) === undefined) continue;
      there++;
      for (const session of await speaker.sessions(signal)) {
        found.set(sessionKey(session), session);
        by.set(sessionKey(session), speaker);
      }
    }
    if (there === 0) throw new Error(`no routing daemon: there is no ${this.#speakers.map(({ path }) => path).join(' or ')}`);
    this.found = found;
    this.#by = by;
  }

  /** Shuts sessions. Rejects unless the daemon shows them shut afterwards. */
  async shut(sessions: readonly SpokenSession[], text: string, signal: AbortSignal): Promise<void> {
    for (const session of sessions) await this.#of(session).shut(session, text, signal);
    await this.#verify(sessions, true, signal);
  }

  /** Opens sessions again. Rejects unless the daemon shows them open afterwards. */
  async lift(sessions: readonly SpokenSession[], signal: AbortSignal): Promise<void> {
    for (const session of sessions) await this.#of(session).lift(session, signal);
    await this.#verify(sessions, false, signal);
  }

  /** Asks the peers of every daemon that can to prefer other paths. @returns the daemons that did */
  async graceful(on: boolean, signal: AbortSignal): Promise<readonly string[]> {
    const done: string[] = [];
    for (const speaker of new Set(this.#by.values())) if (await speaker.graceful(on, signal)) done.push(speaker.daemon);
    return done;
  }

  async #verify(sessions: readonly SpokenSession[], shut: boolean, signal: AbortSignal): Promise<void> {
    for (let looks = 1; sessions.length > 0; looks++) {
      await this.read(signal);
      const wrong = sessions.filter((session) => this.found.get(sessionKey(session))?.shut !== shut);
      if (wrong.length === 0) return;
      if (looks === MOST_LOOKS)
        throw new Error(`${wrong.map(({ peer }) => peer).join(', ')}: ${shut ? 'not shut' : 'still shut'} after the command`);
      // BIRD flushes its routes first.
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }

  #of(session: SpokenSession): Speaker {
    return this.#by.get(sessionKey(session))!;
  }

  close(): void {
    for (const speaker of this.#speakers) speaker.close();
  }
}
