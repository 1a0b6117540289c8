/** Requests to one real server, through a NIC as its checks are, and what their answers were. */
import { networkInterfaces } from 'node:os';
import { checkProfile } from '../../config/profiles.ts';
import { probeOnce } from '../../lanes/once.ts';
import { CAUSES, OUTCOMES } from '../../model/outcome.ts';
import type { Address, Nic } from '../../model/plan.ts';
import type { Answer, Echo } from './judge.ts';

const TIMES = { interval: '2s', timeout: '2s' };
/** Any status but that by which a header is refused. */
const ANY_STATUS = '100-399,401-599';
const CLIENT = '192.0.2.77';
/** Of an echo: bytes. */
const MOST_BYTES = 1024;

export class Requests {
  readonly #nic: Nic;
  readonly #address: Address;

  constructor(nic: Nic, address: Address) {
    this.#nic = nic;
    this.#address = address;
  }

  async #ask(parameters: object): Promise<{ readonly outcome: string; readonly cause: string; readonly detail: number }> {
    const profile = checkProfile.parse({ type: 'http', ...TIMES, ...parameters });
    const { outcome, cause, detail } = await probeOnce(this.#nic.device, undefined, profile, this.#address);
    return { outcome: OUTCOMES[outcome]!, cause: CAUSES[cause]!, detail };
  }

  /** @param version of the PROXY header before it; undefined: none */
  async answer(path: string, version?: string): Promise<Answer> {
    const { outcome, cause, detail } = await this.#ask({ path, status: ANY_STATUS, ...headerOf(version, 'local') });
    if (outcome === 'ok' || outcome === 'ok_slow') return 'answered';
    if (outcome !== 'l7') return 'unreachable';
    return detail === 400 ? 'bad_request' : cause === 'closed' && detail === 0 ? 'closed' : 'answered';
  }

  /** What the real server takes for the client of a request that comes as one. */
  async echo(path: string, version: string): Promise<Echo> {
    const holds = async (matches: string) =>
      (await this.#ask({ path, matches, maxBody: MOST_BYTES, ...headerOf(version, 'client') })).outcome.startsWith('ok');
    if (await holds(wordOf([CLIENT]))) return 'client';
    if (await holds(wordOf(ownAddresses()))) return 'own';
    if (await holds('^\\s*$')) return 'empty';
    return (await holds('^')) ? 'other' : 'refused';
  }
}

const headerOf = (version: string | undefined, as: 'local' | 'client') =>
  version === undefined ? {} : { proxyProtocol: { version, as } };

/** A pattern that matches one of these addresses, and no longer one that begins or ends with it. */
function wordOf(addresses: readonly string[]): string {
  const texts = addresses.map((address) => address.replaceAll('.', '\\.'));
  return `(^|[^0-9a-fA-F.:])(${texts.join('|')})([^0-9a-fA-F.:]|$)`;
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}
