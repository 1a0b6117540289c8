/** One HTTP request as any client makes it, and the address that it came from: nothing is bound, the kernel routes it. */
import { connect } from 'node:net';

export interface ClientRequest {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** For everything, ms. */
  readonly timeoutMs: number;
  /** Longest answer, bytes; the rest is thrown away. */
  readonly mostBytes: number;
}

export interface ClientAnswer {
  readonly status: number;
  readonly body: string;
  readonly localAddress: string;
  readonly localPort: number;
}

/** Resolves to undefined when there is no HTTP answer in time; never rejects. HTTP/1.0, so that the body has no framing. */
export function askAsClient({ host, port, path, timeoutMs, mostBytes }: ClientRequest): Promise<ClientAnswer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let text = '';
    let from: { readonly localAddress: string; readonly localPort: number } | undefined;
    const end = () => {
      clearTimeout(late);
      socket.destroy();
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
      const head = text.indexOf('\r\n\r\n');
      resolve(
        status === undefined || from === undefined || head < 0
          ? undefined
          : { status: Number(status), body: text.slice(head + 4, head + 4 + mostBytes), ...from },
      );
    };
    const late = setTimeout(end, timeoutMs);
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      from = { localAddress: socket.localAddress!, localPort: socket.localPort! };
      const name = host.includes(':') ? `[${host}]` : host;
      socket.write(`GET ${path} HTTP/1.0\r\nHost: ${name}:${port}\r\nUser-Agent: fourlane\r\n\r\n`);
    });
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > mostBytes + MOST_HEADER) end();
    });
    socket.on('end', end);
    socket.on('error', end);
  });
}

/** Bytes of a header that is read. */
const MOST_HEADER = 16_384;
