/** Sends an answer no faster than its reader takes it, and not for ever. */
import type { ServerResponse } from 'node:http';

export interface SendLimits {
  /** A reader that has taken nothing for this long is cut off, ms. */
  readonly stallMs: number;
  /** So is one that takes longer than this in all, ms. */
  readonly wholeMs: number;
}

export const SEND_LIMITS: SendLimits = { stallMs: 5000, wholeMs: 30_000 };
/** What is handed over at a time: the connection buffers no more of its own. */
const PIECE = 256 * 1024;

/** Ends the answer with these bytes; resolves when the kernel has all of them, or the connection is gone. Never rejects. */
export async function send(res: ServerResponse, bytes: Buffer, { stallMs, wholeMs }: SendLimits = SEND_LIMITS): Promise<void> {
  if (res.destroyed) return;
  const cut = () => void res.destroy();
  const whole = setTimeout(cut, wholeMs);
  const stalled = setTimeout(cut, stallMs);
  const gone = new Promise<false>((resolve) => res.once('close', () => resolve(false)));
  const next = (event: 'drain' | 'finish') =>
    Promise.race([gone, new Promise<true>((resolve) => res.once(event, () => resolve(true)))]);
  try {
    res.setHeader('Content-Length', bytes.length);
    let rest = res.req.method === 'HEAD' ? bytes.subarray(0, 0) : bytes;
    while (rest.length > PIECE) {
      const flows = res.write(rest.subarray(0, PIECE));
      rest = rest.subarray(PIECE);
      if (!flows && !(await next('drain'))) return;
      stalled.refresh();
    }
    res.end(rest);
    await next('finish');
  } finally {
    clearTimeout(whole);
    clearTimeout(stalled);
  }
}
