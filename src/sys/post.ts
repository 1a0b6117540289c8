/** One JSON POST, for webhooks. */
import { exchange } from './http.ts';

/**
 * POSTs `body` as JSON on a fresh connection. Rejects, with a message for people that holds no credentials, unless a 2xx answer
 * came in time.
 */
export async function postJson(
  url: string,
  body: unknown,
  { headers, timeoutMs }: { readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number },
): Promise<void> {
  const sent = { 'content-type': 'application/json', ...headers };
  const { status } = await exchange(url, { method: 'POST', headers: sent, body: JSON.stringify(body), timeoutMs });
  const { origin, pathname } = new URL(url);
  if (status < 200 || status > 299) throw new Error(`POST ${origin}${pathname} failed: answered ${status}, needs 2xx`);
}
