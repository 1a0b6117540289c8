/** One HTTP exchange over undici, bounded in time and size. */

/** Loaded at the first request: a fifth of a second that most agents need not spend at their start. */
const library = () => import('undici');

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is. */
  readonly body?: string;
  /** For everything, from connecting to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Longest answer kept, bytes; a longer one is an error. Absent: the answer's body is not wanted and thrown away. */
  readonly mostBytes?: number;
  /** Unix socket to connect to, whatever host the URL names. */
  readonly socketPath?: string;
  /** The path is somebody's secret, as in the URLs that chat services give for webhooks: no message has it. */
  readonly secretPath?: boolean;
}

export interface Answer {
  /** Any status; redirects are not followed. */
  readonly status: number;
  readonly body: Buffer;
}

/** No answer, or none that can be used. The message names the request without query and credentials. */
export class HttpError extends Error {
  /** `dropped`: the server took the connection and ended it without a whole answer. */
  readonly kind: 'timeout' | 'dropped' | 'unreachable' | 'tooLong';

  constructor(message: string, kind: HttpError['kind'], cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Of a body that nobody wants, so much is read before the connection is closed instead. */
const DISCARDED_BYTES = 65_536;

/** One request on a fresh connection. @throws HttpError when there is no whole answer in time */
export async function exchange(url: string, options: Exchange): Promise<Answer> {
  const { method, headers = {}, body, timeoutMs, mostBytes, socketPath } = options;
  const where = `${method} ${placeOf(url, options)}`;
  const signal = AbortSignal.timeout(timeoutMs);
  const { Agent, request } = await library();
  const dispatcher = socketPath === undefined ? undefined : new Agent({ connect: { socketPath } });
  try {
    const sent = { method, headers, body: body ?? null, reset: true, signal };
    const answer = await request(url, dispatcher === undefined ? sent : { ...sent, dispatcher });
    const status = answer.statusCode;
    if (mostBytes === undefined) {
      await answer.body.dump({ limit: DISCARDED_BYTES, signal });
      return { status, body: Buffer.alloc(0) };
    }
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > mostBytes) throw new HttpError(`${where} failed: the answer is longer than ${mostBytes} bytes`, 'tooLong');
      chunks.push(chunk);
    }
    return { status, body: Buffer.concat(chunks) };
  } catch (error) {
    if (error instanceof HttpError) throw error;
    if (signal.aborted) throw new HttpError(`${where} failed: no answer within ${timeoutMs} ms`, 'timeout', error);
    throw new HttpError(`${where} failed: ${reasonOf(error)}`, neverConnected(error) ? 'unreachable' : 'dropped', error);
  } finally {
    await dispatcher?.destroy();
  }
}

/** The URL as messages have it: without query and credentials, and without a secret path. */
export function placeOf(url: string, { socketPath, secretPath = false }: Pick<Exchange, 'socketPath' | 'secretPath'>): string {
  const { origin, pathname } = new URL(url);
  return `${socketPath === undefined ? origin : `unix:${socketPath}`}${secretPath && pathname !== '/' ? '/…' : pathname}`;
}

/** undici wraps several connection attempts into an AggregateError without a message. */
function reasonOf(error: unknown): string {
  const { message, code } = error as Error & { code?: string };
  return message || code || String(error);
}

/** Name resolution or connecting failed; all attempts, when there were several. */
function neverConnected(error: unknown): boolean {
  const { syscall, code } = error as { syscall?: string; code?: string };
  if (error instanceof AggregateError) return error.errors.every(neverConnected);
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT';
}
