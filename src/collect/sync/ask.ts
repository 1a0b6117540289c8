/** Asks another agent for what it has of the synchronisation of kernel LVS. */
import * as z from 'zod';
import { type SyncAnswer, syncAnswer } from '../../model/sync-answer.ts';
import { exchange } from '../../sys/http.ts';

/** Room for 500 000 real servers. */
const MOST_BYTES = 64 << 20;

export interface Asking {
  /** ms */
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param base `http://HOST:PORT` @throws Error when nobody answers there in time, or not as an agent with kernel LVS does */
export async function askSync(base: string, { timeoutMs, headers = {} }: Asking): Promise<SyncAnswer> {
  const url = new URL('/api/v1/sync', base).href;
  const { status, body } = await exchange(url, { method: 'GET', headers, timeoutMs, mostBytes: MOST_BYTES });
  if (status === 404) throw new Error('it does not read kernel LVS: 404 at /api/v1/sync');
  if (status !== 200) throw new Error(`HTTP status ${status}`);
  const parsed = syncAnswer.safeParse(asJson(body));
  if (!parsed.success) throw new Error(`this is no answer of /api/v1/sync: ${z.prettifyError(parsed.error).split('\n')[0]}`);
  return parsed.data;
}

/** undefined: it is none. */
function asJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
