/** How real servers are checked: as their source says, else by the protocol. Pure. */
import { parseAddress } from '../model/schema.ts';
import type { FoundCheck, FoundService } from './services.ts';
import { comment, flow, line } from './yaml.ts';

const TCP: FoundCheck = { profile: { type: 'tcp' }, origin: 'a handshake is enough, since nothing says what must be answered' };
const PING: FoundCheck = {
  profile: { type: 'ping' },
  origin: 'nothing says what is answered over UDP, or at which port: better type udp with payload and expect, or tcp',
};

function byProtocol({ vip, realServers }: FoundService): FoundCheck {
  const hasPorts = realServers.every(({ address }) => parseAddress(address) !== undefined);
  return vip.endsWith('/udp') || !hasPorts ? PING : TCP;
}

const PATIENT = comment(0, 'Those of keepalived are as patient as it is: shorter times find faults sooner.');

/** Check profiles by name, each named after its type; those that are the same have one name. */
export class CheckNames {
  readonly #names = new Map<string, string>();
  readonly #checks: { readonly name: string; readonly check: FoundCheck }[] = [];

  /** The names of a service's checks, at least one. */
  of(service: FoundService): string[] {
    const all = service.checks === undefined || service.checks.length === 0 ? [byProtocol(service)] : service.checks;
    return [...new Set(all.map((check) => this.#nameOf(check)))];
  }

  #nameOf(check: FoundCheck): string {
    const key = JSON.stringify(check.profile);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const { type } = check.profile;
    const same = this.#checks.filter(({ check: each }) => each.profile.type === type).length;
    const name = same === 0 ? type : `${type}-${same + 1}`;
    this.#names.set(key, name);
    this.#checks.push({ name, check });
    return name;
  }

  /** The block of the file. */
  lines(): string[] {
    return [
      comment(0, 'Checks by name. Times that are not written: interval 1s, timeout 500ms, fall 3, rise 2.'),
      ...(this.#checks.some(({ check }) => 'interval' in check.profile) ? [PATIENT] : []),
      'checks:',
      ...this.#checks.map(({ name, check }) => line(1, `${name}: ${flow(check.profile)}`, check.origin)),
    ];
  }
}
