/**
 * FRR's bgpd: sessions are shut by `neighbor PEER shutdown message TEXT` on its vty socket, as vtysh does it. Nothing is written
 * to a file: what is configured lives until bgpd ends.
 */
import { sessionKey } from '../../edge/expected.ts';
import { COMMAND_WORD, Refused, type Speaker, type SpeakerKind, type SpokenSession } from '../speaker.ts';
import { decodeShutTexts, decodeSummary, decodeSystems } from './decode.ts';
import { SUCCESS, Vty } from './vty.ts';

const SUMMARY = 'show bgp vrf all summary json';
/** Its cost grows with the configuration, so it is asked only when a session is shut. */
const CONFIGURATION = 'show running-config';

class FrrSpeaker implements Speaker {
  readonly daemon = 'bgpd';
  readonly #vty: Vty;
  /** Numbers of the autonomous systems, by VRF. */
  #systems: ReadonlyMap<string, number> = new Map();

  constructor(directory: string) {
    this.#vty = new Vty(`${directory}/bgpd.vty`, 'bgpd', { enable: true });
  }

  get path(): string {
    return this.#vty.path;
  }

  run(): Promise<string | undefined> {
    return this.#vty.run();
  }

  async sessions(signal: AbortSignal): Promise<readonly SpokenSession[]> {
    const summary = await this.#command(SUMMARY, signal);
    this.#systems = decodeSystems(SUMMARY, summary);
    const { sessions } = decodeSummary(SUMMARY, summary);
    const isShut = sessions.some(({ state }) => state === 'admin_down');
    const texts = isShut ? decodeShutTexts(await this.#command(CONFIGURATION, signal)) : new Map<string, string>();
    return sessions.map(({ vrf, peer, state, families }) => {
      const text = texts.get(sessionKey({ vrf, peer }));
      const shut = state === 'admin_down';
      return {
        vrf,
        peer,
        families: families.map(({ family }) => family),
        established: state === 'established',
        shut,
        ...(shut && text !== undefined ? { text } : {}),
      };
    });
  }

  shut({ vrf, peer }: SpokenSession, text: string, signal: AbortSignal): Promise<void> {
    return this.#configure(vrf, [`neighbor ${wordOf(peer)} shutdown message ${text}`], signal);
  }

  lift({ vrf, peer }: SpokenSession, signal: AbortSignal): Promise<void> {
    return this.#configure(vrf, [`no neighbor ${wordOf(peer)} shutdown`], signal);
  }

  async graceful(on: boolean, signal: AbortSignal): Promise<boolean> {
    await this.sessions(signal);
    for (const vrf of this.#systems.keys()) await this.#configure(vrf, [`${on ? '' : 'no '}bgp graceful-shutdown`], signal);
    return true;
  }

  async #configure(vrf: string, commands: readonly string[], signal: AbortSignal): Promise<void> {
    const system = this.#systems.get(vrf);
    if (system === undefined) throw new Refused(this.path, `router bgp of VRF ${vrf}`, 'there is none');
    const router = `router bgp ${system}${vrf === 'default' ? '' : ` vrf ${wordOf(vrf)}`}`;
    try {
      for (const command of ['configure terminal', router, ...commands, 'end']) await this.#command(command, signal);
    } catch (error) {
      // The connection is in some mode of configuration: the next one begins from none.
      this.close();
      throw error;
    }
  }

  async #command(command: string, signal: AbortSignal): Promise<string> {
    const { status, text } = await this.#vty.ask(command, signal);
    if (status !== SUCCESS) throw new Refused(this.path, command, text);
    return text;
  }

  close(): void {
    this.#vty.close();
  }
}

function wordOf(name: string): string {
  if (!COMMAND_WORD.test(name)) throw new RangeError(`${name.slice(0, 80)} can't be named in a command`);
  return name;
}

export const frrSpeaker: SpeakerKind = { name: 'frr', open: (directory) => new FrrSpeaker(directory) };
