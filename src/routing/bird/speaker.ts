/** BIRD: sessions are shut by `disable NAME "TEXT"` on its control socket. A `configure` of the operator enables them again. */
import { type Speaker, type SpeakerKind, type SpokenSession, Refused } from '../speaker.ts';
import { type BirdSession, decodeProtocols } from './decode.ts';
import { BirdSocket } from './socket.ts';

const PROTOCOLS = 'show protocols all';
/** What a name may be in a command: others would need quotes, and `*` and `?` stand for many. */
export const PROTOCOL_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** Answers that a command was carried out: disabled, already disabled, enabled, already enabled. */
const DONE: ReadonlySet<number> = new Set([8, 9, 10, 11]);

type Named = SpokenSession & Pick<BirdSession, 'name'>;

class BirdSpeaker implements Speaker {
  readonly daemon = 'bird';
  readonly #socket: BirdSocket;

  constructor(path: string) {
    this.#socket = new BirdSocket(path, { mayChange: true });
  }

  get path(): string {
    return this.#socket.path;
  }

  run(): Promise<string | undefined> {
    return this.#socket.run();
  }

  async sessions(signal: AbortSignal): Promise<readonly Named[]> {
    const { sessions } = decodeProtocols(PROTOCOLS, await this.#socket.ask(PROTOCOLS, signal));
    return sessions.map(({ name, vrf, peer, state, families, message }) => {
      const shut = state === 'admin_down';
      return {
        name,
        vrf,
        peer,
        families: families.map(({ family }) => family),
        established: state === 'established',
        shut,
        ...(shut && message !== undefined ? { text: message } : {}),
      };
    });
  }

  shut(session: SpokenSession, text: string, signal: AbortSignal): Promise<void> {
    return this.#do(`disable ${nameOf(session)} "${text}"`, signal);
  }

  lift(session: SpokenSession, signal: AbortSignal): Promise<void> {
    return this.#do(`enable ${nameOf(session)}`, signal);
  }

  graceful(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async #do(command: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#socket.ask(command, signal);
    if (!answer.some(({ code }) => DONE.has(code)))
      throw new Refused(this.path, command, answer.map(({ text }) => text).join(' '));
  }

  close(): void {
    this.#socket.close();
  }
}

/** The protocol of a session that this speaker has listed. */
function nameOf(session: SpokenSession): string {
  const { name } = session as Named;
  if (!PROTOCOL_NAME.test(name)) throw new RangeError(`${name.slice(0, 80)} can't be named in a command`);
  return name;
}

export const birdSpeaker: SpeakerKind = { name: 'bird', open: (path) => new BirdSpeaker(path) };
