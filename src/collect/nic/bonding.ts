/**
 * /proc/net/bonding/NAME. The kernel shows LACP partners, port states and the active aggregator only to processes with
 * CAP_NET_ADMIN (drivers/net/bonding/bond_procfs.c).
 */
import { parseExact, type Exact } from '../../model/exact.ts';
import { FormatError } from '../format-error.ts';

export const MII_STATES = ['up', 'down', 'going_down', 'going_back'] as const;
export type Mii = (typeof MII_STATES)[number];

export interface BondMember {
  readonly name: string;
  readonly mii: Mii;
  /** Since the member joined the bond. */
  readonly linkFailures: Exact;
  /** Which members its switch would bundle it with. */
  readonly aggregator?: number;
  /** Whether LACP has been unsettled for more than a minute, at either end. */
  readonly churned?: boolean;
  /** Our side's port state, bits of IEEE 802.1AX. */
  readonly actorState?: number;
  /** The switch's MAC address; all zero: no LACP at the other end. */
  readonly partner?: string;
}

export interface Bond {
  readonly name: string;
  /** Keyword of ip(8): `802.3ad`. */
  readonly mode: string;
  readonly mii: Mii;
  readonly activeMember?: string;
  /** The aggregator that carries traffic. */
  readonly aggregator?: number;
  /** MAC address of the switch behind it; all zero: none speaks LACP. */
  readonly partner?: string;
  readonly members: readonly BondMember[];
}

/** By the text of the mode, which may go on with ` (fail_over_mac …)`. */
const MODES: readonly (readonly [beginning: string, keyword: string])[] = [
  ['load balancing (round-robin)', 'balance-rr'],
  ['fault-tolerance (active-backup)', 'active-backup'],
  ['load balancing (xor)', 'balance-xor'],
  ['fault-tolerance (broadcast)', 'broadcast'],
  ['IEEE 802.3ad Dynamic link aggregation', '802.3ad'],
  ['transmit load balancing', 'balance-tlb'],
  ['adaptive load balancing', 'balance-alb'],
];

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

interface Line {
  readonly at: number;
  readonly value: string;
}

/** Keys and values of one block of lines; indented ones with the heading above them: `details actor lacp pdu/port state`. */
class Block {
  readonly #lines = new Map<string, Line>();
  readonly #file: string;
  readonly #begins: number;
  #heading = '';

  constructor(file: string, begins: number) {
    this.#file = file;
    this.#begins = begins;
  }

  add(line: string, at: number): void {
    const colon = line.indexOf(':');
    if (colon < 0) return;
    const key = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    const indented = /^\s/.test(line);
    if (!indented) this.#heading = value === '' ? `${key}/` : '';
    this.#lines.set(indented ? this.#heading + key : key, { at, value });
  }

  text(key: string): string | undefined {
    return this.#lines.get(key)?.value;
  }

  /** The value as `parse` reads it; undefined when the kernel does not show it. @throws FormatError when it can't be read */
  get<T>(key: string, expected: string, parse: (text: string) => T | undefined): T | undefined {
    const line = this.#lines.get(key);
    if (line === undefined) return undefined;
    const value = parse(line.value);
    if (value === undefined) throw new FormatError(this.#file, line.at, `${key}: ${line.value}`, expected);
    return value;
  }

  need<T>(key: string, expected: string, parse: (text: string) => T | undefined): T {
    const value = this.get(key, expected, parse);
    if (value === undefined) throw new FormatError(this.#file, this.#begins, 'nothing', `below it ${key}: ${expected}`);
    return value;
  }
}

const mode = (text: string) => MODES.find(([beginning]) => text.startsWith(beginning))?.[1];
const mii = (text: string) => MII_STATES.find((s) => s === text.replace(' ', '_'));
const small = (text: string) => (/^\d{1,5}$/.test(text) ? Number(text) : undefined);
const mac = (text: string) => (MAC.test(text) ? text : undefined);
const MII_TEXT = 'up, down, going down or going back';

/** @param name of the bond. @throws FormatError */
export function parseBonding(name: string, text: string): Bond {
  const file = `/proc/net/bonding/${name}`;
  const head = new Block(file, 0);
  const members: Block[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.startsWith('Slave Interface:')) members.push(new Block(file, at));
    (members.at(-1) ?? head).add(line, at);
  }
  const active = head.text('Currently Active Slave');
  const partner = head.get('Active Aggregator Info/Partner Mac Address', 'a MAC address', mac);
  const aggregator = head.get('Active Aggregator Info/Aggregator ID', 'a number', small);
  return {
    name,
    mode: head.need('Bonding Mode', 'one of the seven modes', mode),
    mii: head.need('MII Status', MII_TEXT, mii),
    ...(active === undefined || active === 'None' ? {} : { activeMember: active }),
    ...(aggregator === undefined ? {} : { aggregator }),
    ...(partner === undefined ? {} : { partner }),
    members: members.map(member),
  };
}

function member(block: Block): BondMember {
  // `N/A` while the member has no port in LACP yet.
  const shown = block.text('Aggregator ID') === 'N/A' ? undefined : block.get('Aggregator ID', 'a number or N/A', small);
  const churn = [block.text('Actor Churn State'), block.text('Partner Churn State')];
  const actorState = block.get('details actor lacp pdu/port state', 'a number', small);
  const partner = block.get('details partner lacp pdu/system mac address', 'a MAC address', mac);
  return {
    name: block.need('Slave Interface', 'a name', (t) => (/^[^\s/]{1,15}$/.test(t) ? t : undefined)),
    mii: block.need('MII Status', MII_TEXT, mii),
    linkFailures: block.need('Link Failure Count', 'a number', parseExact),
    ...(shown === undefined ? {} : { aggregator: shown }),
    ...(churn[0] === undefined ? {} : { churned: churn.includes('churned') }),
    ...(actorState === undefined ? {} : { actorState }),
    ...(partner === undefined ? {} : { partner }),
  };
}
