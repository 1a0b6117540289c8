/** Runs one check once, through the same engine a lane uses: for `fourlane probe` and tests. */
import { checkKinds } from '../checks/index.ts';
import { drain, newBoard } from '../model/board.ts';
import { LATE, type ProbeResult } from '../model/outcome.ts';
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

/** A result that is late says only that this thread was held up: so often the check is made again. */
const AGAIN = 5;

/** As `probeOnce`, again while this thread was too late to tell; the last result may still be late. */
export async function probeUntilTold(...once: Parameters<typeof probeOnce>): Promise<OnceResult> {
  for (let again = 0; ; again++) {
    const result = await probeOnce(...once);
    if (result.outcome !== LATE || again === AGAIN) return result;
  }
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
