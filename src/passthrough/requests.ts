/** Requests to one real server, through a NIC as its checks are, and what their answers were. */
import { networkInterfaces } from 'node:os';
import { http } from '../checks/http.ts';
import type { CheckKind } from '../checks/kind.ts';
import { ssl } from '../checks/ssl.ts';
import { probeUntilTold } from '../lanes/once.ts';
import { CAUSES, OUTCOMES, PHASES } from '../model/outcome.ts';
import type { Address, CheckProfile } from '../model/plan.ts';
import type { Answer, Echo } from './judge.ts';
import { TEST_CLIENT } from './toa/senders.ts';

/** What a check of passthrough is besides its request: it is made once, so thresholds mean nothing. ms */
const TIMES = { interval: 2000, timeout: 2000, fall: 1, rise: 1 };
/** Any status but that by which a header is refused. */
const ANY_STATUS = '100-399,401-599';
const BAD_REQUEST = 400;
/** Of an echo: bytes. */
const MOST_BYTES = 1024;

export class Requests {
  readonly #device: string;
  readonly #address: Address;
  readonly #kind: CheckKind;
  readonly #names: object;

  /** Asks with TLS and under the name that the check has. */
  constructor(device: string, address: Address, check: CheckProfile) {
    this.#device = device;
    this.#address = address;
    this.#kind = check.type === 'ssl' ? ssl : http;
    const { host, sni } = check;
    this.#names = { ...(host === undefined ? {} : { host }), ...(sni === undefined ? {} : { sni }) };
  }

  async #ask({ mark, ...parameters }: { readonly mark?: number; readonly [key: string]: unknown }) {
    const own = this.#kind.schema.parse({ ...this.#names, ...parameters });
    const profile = { ...own, ...TIMES, ...(mark === undefined ? {} : { mark }), type: this.#kind.name } as CheckProfile;
    const { outcome, phase, cause, detail } = await probeUntilTold(this.#device, undefined, profile, this.#address);
    return { outcome: OUTCOMES[outcome]!, phase: PHASES[phase]!, cause: CAUSES[cause]!, detail };
  }

  /** @param version of the PROXY header before it; undefined: none */
  async answer(path: string, version?: string): Promise<Answer> {
    const { outcome, phase, cause, detail } = await this.#ask({ path, status: ANY_STATUS, ...headerOf(version, 'local') });
    if (isGood(outcome)) return 'answered';
    if (saysNothing(outcome, cause)) return 'unreachable';
    if (detail === BAD_REQUEST) return 'bad_request';
    return phase === 'tls' || (cause === 'closed' && detail === 0) ? 'closed' : 'answered';
  }

  /** What the real server takes for the client of a request that comes as one, by a PROXY header. */
  echo(path: string, version: string): Promise<Echo> {
    return this.#echo(TEST_CLIENT[4], { path, ...headerOf(version, 'client') });
  }

  /** The same by an option, which connections with this mark carry. */
  echoOfMarked(path: string, mark: number): Promise<Echo> {
    return this.#echo(TEST_CLIENT[this.#address.family], { path, mark });
  }

  async #echo(client: string, parameters: object): Promise<Echo> {
    let unheard = false;
    const holds = async (matches: string) => {
      const { outcome, cause } = await this.#ask({ ...parameters, matches, maxBody: MOST_BYTES });
      unheard ||= saysNothing(outcome, cause);
      return isGood(outcome);
    };
    if (await holds(wordOf([client]))) return 'client';
    const found = (await holds(wordOf(ownAddresses()))) ? 'own' : (await holds('^\\s*$')) ? 'empty' : undefined;
    const other = found ?? ((await holds('^')) ? 'other' : 'refused');
    // What was not heard may have been the address of the client.
    return unheard ? 'unreachable' : other;
  }
}

const isGood = (outcome: string) => outcome.startsWith('ok');

/** There was no answer, or this thread was too late for it. */
const saysNothing = (outcome: string, cause: string) => !isGood(outcome) && (outcome !== 'l7' || cause === 'deadline');

const headerOf = (version: string | undefined, as: 'local' | 'client') =>
  version === undefined ? {} : { proxyProtocol: { version, as } };

/** A pattern that matches one of these addresses, and no longer one that begins or ends with it. */
function wordOf(addresses: readonly string[]): string {
  const texts = addresses.map((address) => address.replaceAll('.', '\\.'));
  return `(^|[^0-9a-fA-F.:])(::[fF]{4}:)?(${texts.join('|')})([^0-9a-fA-F.:]|$)`;
}

/** Addresses of this machine. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}
