/** One JSON POST over undici, for webhooks. */
import { request } from 'undici';

/** POSTs `body` as JSON on a fresh connection. Rejects, with a message for people that holds no credentials, unless a 2xx answer came in time. */
export async function postJson(
  url: string,
  body: unknown,
  { headers, timeoutMs }: { readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number },
): Promise<void> {
  const { origin, pathname } = new URL(url);
  const where = `POST ${origin}${pathname}`;
  const signal = AbortSignal.timeout(timeoutMs);
  let status: number;
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      reset: true,
      signal,
    });
    status = answer.statusCode;
    await answer.body.dump({ limit: 65_536, signal });
  } catch (error) {
    const why = signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
    throw new Error(`${where} failed: ${why}`, { cause: error });
  }
  if (status < 200 || status > 299) throw new Error(`${where} failed: answered ${status}, needs 2xx`);
}

/** undici wraps several connection attempts into an AggregateError without a message. */
function reasonOf(error: unknown): string {
  const { message, code } = error as Error & { code?: string };
  return message || code || String(error);
}
