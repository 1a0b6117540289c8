/** The deadline of one reading. */
import type { Reading } from './collector.ts';

/**
 * Runs a reading until it ends; at the deadline `abort` is aborted with the reason. Never rejects: what is thrown is a failed
 * reading. A source that ignores its signal goes on all the same: the caller decides how long to wait for it.
 * @param timeout ms
 */
export async function withDeadline<T>(
  timeout: number,
  abort: AbortController,
  read: (signal: AbortSignal) => Promise<Reading<T>>,
): Promise<Reading<T>> {
  const deadline = setTimeout(() => abort.abort(new Error(`no answer within ${timeout} ms`)), timeout);
  try {
    return await read(abort.signal);
  } catch (error) {
    // At the deadline sources throw whatever their last step threw; the deadline explains more.
    return failed(abort.signal.aborted ? abort.signal.reason : error);
  } finally {
    clearTimeout(deadline);
  }
}

/** What was thrown, as a reading. */
export function failed(error: unknown): { readonly state: 'failed'; readonly reason: string } {
  return { state: 'failed', reason: error instanceof Error ? error.message : String(error) };
}
