/**
 * Which rings of a process are read first. DPVS makes an `arp_ring` and a `msg_ring` for each of 64 lcores, whether or not it has
 * them (src/neigh.c, src/ctrl.c); those that show back-pressure matter most. Pure.
 */

/** The lcores in a ring's name, as DPVS v1.10 names them. */
const OF_LCORES = [
  /^(?:arp_ring_c|neigh_ring_c|msg_ring_|log_ring_w)(\d+)$/,
  /^isol_rxq_c(\d+)p\d+q\d+$/,
  /^dp_vs_redirect_ring\[(\d+)\[(\d+)\]/,
];

/** From what matters most: log, control messages, kernel ports, isolated receive queues; then what is not known. */
const FIRST = [/^log_ring_w/, /^msg_ring_/, /^kni_rx_ring_/, /^isol_rxq_/];
/** Filled for moments only. What is left out of these when there are too many is not missed. */
const LAST = [/^dp_vs_redirect_ring/, /^neigh_ring_/, /^arp_ring_/];

function rank(name: string): number {
  const first = FIRST.findIndex((pattern) => pattern.test(name));
  if (first >= 0) return first;
  return FIRST.length + 1 + LAST.findIndex((pattern) => pattern.test(name));
}

/** The lcores that a ring belongs to, by its name; none of most rings. */
export function lcoresOf(name: string): readonly number[] {
  return OF_LCORES.flatMap((pattern) => pattern.exec(name)?.slice(1).map(Number) ?? []);
}

/**
 * Names in the order in which they are read, without those of lcores that the process does not have, and without such as are
 * not missed when there are more than `most`. @param lcores undefined: not known, DPDK before 23.03
 */
export function ordered(names: readonly string[], lcores: ReadonlySet<number> | undefined, most: number): readonly string[] {
  const there = names
    .filter((name) => lcoresOf(name).every((lcore) => lcores?.has(lcore) ?? true))
    .toSorted((a, b) => rank(a) - rank(b));
  const missed = there.filter((name) => rank(name) <= FIRST.length).length;
  return there.slice(0, Math.max(missed, most));
}
