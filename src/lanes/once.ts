/** Runs one check once, through the same engine a lane uses: for `fourlane probe` and tests. */
import { checkKinds } from '../checks/index.ts';
import { drain, newBoard } from '../model/board.ts';
import type { ProbeResult } from '../model/outcome.ts';
import type { Address, CheckProfile } from '../model/plan.ts';
import { makeBinding } from '../sys/binding.ts';
import { monotonicMs, threadCpuMs } from '../sys/clock.ts';
import { BatchBuilder } from './batch.ts';
import { Engine } from './engine.ts';
import { helperHere } from './helper-port.ts';

export interface OnceResult extends ProbeResult {
  /** Bound to the device; false = by source address only. */
  readonly bound: boolean;
  readonly certificateNotAfterMs?: number;
}

/**
 * Probes `address` once through `device` with a parsed profile. Resolves in every case, at the latest after the profile's
 * timeout.
 */
export function probeOnce(
  device: string,
  source: string | undefined,
  profile: CheckProfile,
  address: Address,
): Promise<OnceResult> {
  const board = newBoard(checkKinds.length, 16);
  const { binding } = makeBinding(device, source, false);
  let notAfter: number | undefined;
  const engine = new Engine({
    nic: device,
    device,
    binding,
    board,
    clock: monotonicMs,
    cpu: threadCpuMs,
    random: Math.random,
    helper: helperHere({ nic: device, device, binding }),
    report: (message) => {
      if (message.type === 'certificate') notAfter = message.notAfterMs;
    },
  });
  const batch = new BatchBuilder(device);
  batch.add(0, 1, profile, address);
  engine.update(batch.build(), new Int32Array(0));
  return new Promise((resolve) => {
    const turn = () => {
      engine.tick();
      const n = drain(board, (e) => {
        const { outcome, phase, cause, detail, rttUs, elapsedUs } = e;
        const certificate = notAfter === undefined ? {} : { certificateNotAfterMs: notAfter };
        resolve({ outcome, phase, cause, detail, rttUs, elapsedUs, bound: binding.device !== undefined, ...certificate });
      });
      if (n === 0) setTimeout(turn, 1);
      else engine.close();
    };
    turn();
  });
}
