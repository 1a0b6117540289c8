/** How real servers are checked: as their source says, else as others of their service, else by the protocol. Pure. */
import { PORTLESS } from '../keepalived/translate/checkers.ts';
import type { Profile } from '../keepalived/translate/timing.ts';
import { parseAddress } from '../model/address.ts';
import type { FoundCheck, FoundRealServer, FoundService, LeftOut } from './services.ts';
import { comment, flow, line } from './yaml.ts';

/** Why a check profile can't be in a file; undefined: it can. */
export type ProblemOf = (profile: Profile) => string | undefined;

const TCP: FoundCheck = { profile: { type: 'tcp' }, origin: 'a handshake is enough, since nothing says what must be answered' };
const PING: FoundCheck = {
  profile: { type: 'ping' },
  origin: 'nothing says what is answered over UDP, or at which port: better type udp with payload and expect, or tcp',
};

/** Checks of each real server of a service, at least one. */
export type Checked = ReadonlyMap<FoundRealServer, readonly FoundCheck[]>;

/** @param leftOut gets what is not valid for us */
export function checked({ vip, realServers }: FoundService, problemOf: ProblemOf, leftOut: LeftOut[]): Checked {
  const valid = ({ address, checks = [] }: FoundRealServer) =>
    checks.filter(({ profile, origin }) => {
      const problem = problemOf(profile);
      if (problem !== undefined) leftOut.push({ text: `a check of ${address} in ${vip}: ${problem}`, origin });
      return problem === undefined;
    });
  const own = new Map(realServers.map((rs) => [rs, valid(rs)]));
  const usual = commonest([...own.values()].filter((checks) => checks.length > 0));
  const isForAny = usual.length > 0 && usual.every(({ profile }) => isPortless(profile));
  return new Map(
    [...own].map(([rs, checks]) => {
      if (checks.length > 0) return [rs, checks];
      const hasPort = parseAddress(rs.address) !== undefined;
      if (usual.length > 0 && (hasPort || isForAny)) return [rs, usual];
      return [rs, [vip.endsWith('/udp') || !hasPort ? PING : TCP]];
    }),
  );
}

const isPortless = (profile: Profile) => PORTLESS.has(profile.type) || profile['connectPort'] !== undefined;

/** The list that most have; of as many, the first one. */
export function commonest(lists: readonly (readonly FoundCheck[])[]): readonly FoundCheck[] {
  const groups = Map.groupBy(lists, (checks) => JSON.stringify(checks.map(({ profile }) => profile)));
  return [...groups.values()].reduce((best, group) => (group.length > best.length ? group : best), [])[0] ?? [];
}

/** Check profiles by name, each named after its type; those that are the same have one name. */
export class CheckNames {
  readonly #names = new Map<string, string>();
  readonly #checks: { readonly name: string; readonly check: FoundCheck }[] = [];

  of(checks: readonly FoundCheck[]): string[] {
    return [...new Set(checks.map((check) => this.#nameOf(check)))];
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

  /** The block of the file; none when there are no checks. */
  lines(): string[] {
    if (this.#checks.length === 0) return [];
    return [
      '',
      comment(0, 'Checks by name. Times that are not written: interval 1s, timeout 500ms, fall 3, rise 2.'),
      'checks:',
      ...this.#checks.map(({ name, check }) => line(1, `${name}: ${flow(check.profile)}`, check.origin)),
    ];
  }
}
