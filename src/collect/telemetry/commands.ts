/**
 * The commands that may be sent to a DPDK process: these and no others. Commands with side effects (`…_reset`,
 * `/ethdev/dump_priv`), and those that make the process write error lines into its log on every call (`/ethdev/module_eeprom`),
 * have no maker here.
 */

declare const made: unique symbol;

/** One request. `name` is the key of its answer. */
export interface Command {
  readonly name: string;
  /** As it is sent: the name, and after a comma the parameters. */
  readonly text: string;
  readonly [made]: true;
}

/** A parameter: names and numbers. A comma would begin the next one, and requests are cut at 1023 bytes without a word. */
const PARAMETER = /^[^,\p{Cc}]{1,127}$/u;

function command(name: string, ...parameters: readonly (string | number)[]): Command {
  for (const parameter of parameters) {
    if (!PARAMETER.test(String(parameter))) {
      throw new RangeError(
        `${name}: the name ${JSON.stringify(parameter)} can't be asked for: it is empty, has a comma, or is over 127 long`,
      );
    }
  }
  return { name, text: [name, ...parameters].join(',') } as Command;
}

/** The commands that the process knows. */
export const COMMANDS = command('/');

/** Cycles of all lcores whose application counts them; DPDK ≥ 23.03. */
export const LCORE_USAGE = command('/eal/lcore/usage');

/** DPDK ≥ 23.03. */
export const LCORE_LIST = command('/eal/lcore/list');

export const PORT_LIST = command('/ethdev/list');
export const portInfo = (port: number) => command('/ethdev/info', port);
export const portStats = (port: number) => command('/ethdev/stats', port);
export const portXstats = (port: number) => command('/ethdev/xstats', port);
export const portLink = (port: number) => command('/ethdev/link_status', port);

/** DPDK ≥ 24.03. */
export const RING_LIST = command('/ring/list');
export const ringInfo = (ring: string) => command('/ring/info', ring);

export const MEMPOOL_LIST = command('/mempool/list');
export const mempoolInfo = (pool: string) => command('/mempool/info', pool);

/** What the prefix of an application's own commands may be: DPDK allows 55 characters with what follows. */
export const PREFIX = /^(?:\/[A-Za-z0-9_]+){1,4}$/;
/** Longest prefix: `/lcore/latency` follows. */
export const MAX_PREFIX = 40;

/**
 * The commands of an application that keeps the contract of docs/dpdk.md, all below `prefix`. None of them resets what it shows.
 */
export function contract(prefix: string) {
  return {
    info: command(`${prefix}/info`),
    coreList: command(`${prefix}/lcore/list`),
    latency: (core: number) => command(`${prefix}/lcore/latency`, core),
    usage: command(`${prefix}/lcore/usage`),
    syncInfo: command(`${prefix}/sync/info`),
    syncCores: command(`${prefix}/sync/lcore`),
    /** Those from the core with this id on. */
    syncCoresFrom: (core: number) => command(`${prefix}/sync/lcore`, core),
    syncPeer: (id: number) => command(`${prefix}/sync/peer`, id),
    syncFull: command(`${prefix}/sync/full`),
    logList: command(`${prefix}/log/list`),
    logInfo: (queue: string) => command(`${prefix}/log/info`, queue),
  };
}

export type Contract = ReturnType<typeof contract>;
