/** R8: most of a rack's real servers going down together, and few others: one incident. */
import { VERDICT } from '../model/verdicts.ts';
import { type State } from './memory.ts';

/** Called for each change of a rack's verdict, after it was made. */
export type RackChanged = (k: number, previous: number) => void;

/** Judges the racks by the verdicts on their real servers. */
export function judgeRacks(s: State, now: number, changed: RackChanged): void {
  const { racks, rules } = s;
  for (let k = 0; k < racks.names.length; k++) {
    const was = racks.verdict[k]!;
    const size = racks.members[k]!.length;
    if (was === VERDICT.RACK_FAULT) {
      if (racks.down[k]! >= rules.rack_clear_fraction * size) continue;
    } else if (size < rules.rack_min_real_servers || racks.down[k]! < rules.rack_fraction * size || !fellTogether(s, k)) continue;
    racks.verdict[k] = was === VERDICT.RACK_FAULT ? VERDICT.OK : VERDICT.RACK_FAULT;
    racks.at[k] = now;
    changed(k, was);
  }
}

/** Whether enough of the rack went down within the window while few others are down. */
function fellTogether(s: State, k: number): boolean {
  const { racks, servers, rules } = s;
  const members = racks.members[k]!;
  const outside = s.topology.realServers.length - members.length;
  const outsideDown = racks.downAnywhere - racks.down[k]!;
  if (outside === 0 || outsideDown >= rules.rack_others_max * outside) return false;
  const down = members.filter((j) => servers.verdict[j] === VERDICT.RS_DOWN);
  const newest = down.reduce((t, j) => Math.max(t, servers.at[j]!), 0);
  const together = down.filter((j) => servers.at[j]! >= newest - rules.rack_window_rounds * s.topology.intervalMs);
  return together.length >= rules.rack_fraction * members.length;
}
