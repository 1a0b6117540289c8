/** R8: most of a rack's real servers going down together, and few others: one incident. */
import { VERDICT } from '../model/verdicts.ts';
import { type State } from './memory.ts';

/** Called for each change of a rack's verdict, after it was made. */
export type RackChanged = (rack: number, previous: number) => void;

/** Judges the racks by the verdicts on their real servers. */
export function judgeRacks(state: State, now: number, changed: RackChanged): void {
  const { racks, rules } = state;
  for (let rack = 0; rack < racks.names.length; rack++) {
    const was = racks.verdict[rack]!;
    const size = racks.members[rack]!.length;
    if (was === VERDICT.RACK_FAULT) {
      if (racks.down[rack]! >= rules.rack_clear_fraction * size) continue;
    } else if (size < rules.rack_min_real_servers || racks.down[rack]! < rules.rack_fraction * size || !fellTogether(state, rack))
      continue;
    racks.verdict[rack] = was === VERDICT.RACK_FAULT ? VERDICT.OK : VERDICT.RACK_FAULT;
    racks.at[rack] = now;
    changed(rack, was);
  }
}

/** Whether enough of the rack went down within the window while few others are down. */
function fellTogether(state: State, rack: number): boolean {
  const { racks, servers, rules } = state;
  const members = racks.members[rack]!;
  const outside = state.topology.realServers.length - members.length;
  const outsideDown = racks.downAnywhere - racks.down[rack]!;
  if (outside === 0 || outsideDown >= rules.rack_others_max * outside) return false;
  const down = members.filter((server) => servers.verdict[server] === VERDICT.RS_DOWN);
  const newest = down.reduce((t, server) => Math.max(t, servers.at[server]!), 0);
  const together = down.filter((server) => servers.at[server]! >= newest - rules.rack_window_rounds * state.topology.intervalMs);
  return together.length >= rules.rack_fraction * members.length;
}
