/**
 * The only messages that are ever sent to DPVS: reads. Everything goes through `encodeRequest`, which writes the type GET, and
 * takes its ids from here; an id that is not in this table can't be asked for. Ids: include/conf/sockopts.h of each release.
 */

export type Message =
  | 'VERSION'
  | 'INFO'
  | 'SERVICES'
  | 'SERVICE'
  | 'DESTS'
  | 'LADDRS'
  | 'IFADDRS'
  | 'LCORE_MASK'
  | 'LCORE_BASIC'
  | 'LCORE_STATS'
  | 'PORT_LIST'
  | 'PORT_BASIC'
  | 'PORT_STATS'
  | 'PORT_XSTATS'
  | 'PORT_EXT_INFO'
  | 'BOND_STATUS'
  | 'NEIGHBOURS'
  | 'DENY_LIST'
  | 'ALLOW_LIST'
  | 'ROUTES'
  | 'ROUTES6'
  | 'MULTICAST'
  | 'MULTICAST_MAC'
  | 'CONNECTIONS'
  | 'KNI_LIST';

type Ids = Readonly<Partial<Record<Message, number>>>;

/** Ids that are the same since v1.9.6. */
const MODERN = { VERSION: 17, INFO: 18, SERVICES: 19, SERVICE: 20, DESTS: 21, LADDRS: 3, ROUTES: 32, ROUTES6: 35, IFADDRS: 51 };

export const IDS = {
  /** Up to v1.9.4. Without PORT_EXT_INFO, which there reads memory that was never set when the port is a VLAN. */
  classic: {
    VERSION: 200,
    INFO: 201,
    SERVICES: 202,
    SERVICE: 203,
    DESTS: 204,
    LADDRS: 100,
    IFADDRS: 400,
    LCORE_MASK: 500,
    LCORE_BASIC: 501,
    LCORE_STATS: 502,
    PORT_LIST: 503,
    PORT_BASIC: 504,
    PORT_STATS: 505,
    BOND_STATUS: 507,
  },
  /** v1.9.6. */
  early: {
    ...MODERN,
    LCORE_MASK: 56,
    LCORE_BASIC: 57,
    LCORE_STATS: 58,
    PORT_LIST: 59,
    PORT_BASIC: 60,
    PORT_STATS: 61,
    PORT_XSTATS: 62,
    PORT_EXT_INFO: 63,
    BOND_STATUS: 64,
    NEIGHBOURS: 68,
    DENY_LIST: 72,
    ALLOW_LIST: 76,
    CONNECTIONS: 86,
  },
  /** v1.9.8 to v1.10.2. */
  modern: {
    ...MODERN,
    LCORE_MASK: 57,
    LCORE_BASIC: 58,
    LCORE_STATS: 59,
    PORT_LIST: 60,
    PORT_BASIC: 61,
    PORT_STATS: 62,
    PORT_XSTATS: 63,
    PORT_EXT_INFO: 64,
    BOND_STATUS: 65,
    NEIGHBOURS: 72,
    DENY_LIST: 76,
    ALLOW_LIST: 80,
    CONNECTIONS: 90,
    KNI_LIST: 102,
    MULTICAST: 52,
    MULTICAST_MAC: 66,
  },
} as const satisfies Readonly<Record<string, Ids>>;

export type Dialect = keyof typeof IDS;

/** undefined: this release has no such message, or one whose layout is not known. */
export function idOf(dialect: Dialect, message: Message): number | undefined {
  return (IDS[dialect] as Ids)[message];
}

/** Longest body taken: room for 30 000 services or 65 000 real servers of one. */
export const MAX_BODY = 8 << 20;
