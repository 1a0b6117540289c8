/** The log queues of one DPDK process: by its own commands, or, where it has none, by DPDK's view of rings and memory pools. */
import { mempoolInfo, ringInfo } from '../dpdk/eal.ts';
import { decode, names } from '../telemetry/answer.ts';
import type { Session } from '../telemetry/client.ts';
import * as commands from '../telemetry/commands.ts';
import { logInfo, type Queue } from './contract.ts';

/** What to read. */
export interface Choice {
  readonly contract: commands.Contract;
  /** Rings that are log queues. */
  readonly ring: (name: string) => boolean;
  /** Memory pool of the lines in them. */
  readonly pool: string;
}

/** Queues that are read of one process. */
const MOST_QUEUES = 16;

/** Rejects with TelemetryError, or with the signal's reason. */
export async function readQueues(session: Session, choice: Choice, signal: AbortSignal): Promise<readonly Queue[]> {
  const { logList, logInfo: info } = choice.contract;
  const ask = async (command: commands.Command) => session.request(command, signal);
  const list = async (command: commands.Command) => decode(names, await ask(command), session.path);
  if (session.knows(logList)) {
    const queues: Queue[] = [];
    for (const queue of (await list(logList)).slice(0, MOST_QUEUES)) {
      queues.push(decode(logInfo(queue), await ask(info(queue)), session.path));
    }
    return queues;
  }
  if (!session.knows(commands.RING_LIST)) return [];
  const rings = (await list(commands.RING_LIST)).filter(choice.ring).slice(0, MOST_QUEUES);
  if (rings.length === 0) return [];
  const pools = session.knows(commands.MEMPOOL_LIST) ? await list(commands.MEMPOOL_LIST) : [];
  const pool = pools.includes(choice.pool)
    ? decode(mempoolInfo, await ask(commands.mempoolInfo(choice.pool)), session.path)
    : undefined;
  const queues: Queue[] = [];
  for (const name of rings) {
    const ring = decode(ringInfo, await ask(commands.ringInfo(name)), session.path);
    if (ring === undefined) continue;
    queues.push({ queue: name, depth: ring.used, capacity: ring.capacity, epoch: '', cores: [], ...(pool && { pool }) });
  }
  return queues;
}
