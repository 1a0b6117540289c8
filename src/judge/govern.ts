/**
 * R12: turns verdicts into the wanted state, within limits (`limits/`). Only what takes something out of service is limited:
 * giving back is always safe, so nothing healthy stays out longer than R13 wants. A change that a limit holds back is made as
 * soon as the limit allows.
 */
import { VERDICT } from '../model/verdicts.ts';
import { holdNics, moveNics } from './govern-nics.ts';
import { lowerPath, raisePath } from './govern-paths.ts';
import { keepFloors, lowerWeight, raiseWeight } from './govern-servers.ts';
import { eachPathSlot, eachSlot, type GovernorPass, nicOf, type Report } from './governor-pass.ts';
import type { State } from './memory.ts';

/** Brings the wanted state as near to the verdicts as the limits allow, and reports each step. In a freeze nothing moves. */
export function govern(state: State, now: number, report: Report): void {
  const { governor, agent, servers, cells } = state;
  governor.wanted.frozen = agent.verdict;
  const pass: GovernorPass = { state, governor, now, report, settling: now < agent.settleUntil, charged: new Set() };
  if (agent.verdict === '') {
    governor.wanted.panic.fill(0);
    keepFloors(pass);
    for (const cell of governor.activePaths)
      if (governor.wanted.nicEnabled[nicOf(state, cell)] === 0) eachPathSlot(pass, cell, lowerPath);
    for (const server of governor.activeServers) eachSlot(pass, server, raiseWeight);
    for (const cell of governor.activePaths) eachPathSlot(pass, cell, raisePath);
    moveNics(pass);
  } else holdNics(pass);
  for (const server of governor.activeServers) {
    const open = eachSlot(pass, server, lowerWeight);
    if (!open && servers.verdict[server] === VERDICT.OK && servers.rampT[server] === 0) governor.activeServers.delete(server);
  }
  for (const cell of governor.activePaths) {
    const open = eachPathSlot(pass, cell, lowerPath);
    if (!open && cells.path[cell] === VERDICT.OK) governor.activePaths.delete(cell);
  }
}
