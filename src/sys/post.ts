/** One JSON POST, for webhooks. */
import { exchange, placeOf } from './http.ts';

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
  const secretPath = true;
  const { status } = await exchange(url, { method: 'POST', headers: sent, body: JSON.stringify(body), timeoutMs, secretPath });
  if (status < 200 || status > 299) throw new Error(`POST ${placeOf(url, { secretPath })} failed: answered ${status}, needs 2xx`);
}
