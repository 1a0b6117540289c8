/** One HTTP request as any client makes it, and the address that it came from: nothing is bound, the kernel routes it. */
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect, type SecureContext } from 'node:tls';

export interface ClientTls {
  readonly context: SecureContext;
  /** SNI; undefined: none is sent. */
  readonly name: string | undefined;
  /** The chain and the name, or without one the address, must be valid. */
  readonly verify: boolean;
}

export interface ClientRequest {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** What the header Host has; left out: the address with its port. */
  readonly name?: string;
  /** Left out: in the clear. */
  readonly tls?: ClientTls;
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

/** No HTTP answer in time; `handshake`: why TLS failed, where it was that. */
export interface NoAnswer {
  readonly handshake?: string;
}

/** Never rejects. HTTP/1.0, so that the body has no framing. */
export function askAsClient(request: ClientRequest): Promise<ClientAnswer | NoAnswer> {
  const { host, port, path, name = `${host.includes(':') ? `[${host}]` : host}:${port}`, timeoutMs, mostBytes } = request;
  return new Promise((resolve) => {
    let text = '';
    let from: Pick<ClientAnswer, 'localAddress' | 'localPort'> | undefined;
    let isConnected = false;
    const end = (error?: NodeJS.ErrnoException) => {
      clearTimeout(late);
      socket.destroy();
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
      const head = text.indexOf('\r\n\r\n');
      if (status !== undefined && from !== undefined && head >= 0)
        resolve({ status: Number(status), body: text.slice(head + 4, head + 4 + mostBytes), ...from });
      else if (isConnected && from === undefined) resolve({ handshake: error?.code ?? error?.message ?? 'it did not end' });
      else resolve({});
    };
    const late = setTimeout(end, timeoutMs);
    const socket = connection(request, {
      connected: () => (isConnected = true),
      ready: ({ localAddress, localPort }) => {
        from = { localAddress: localAddress!, localPort: localPort! };
        socket.write(`GET ${path} HTTP/1.0\r\nHost: ${name}\r\nUser-Agent: fourlane\r\n\r\n`);
      },
    });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > mostBytes + MOST_HEADER) end();
    });
    socket.on('end', () => end());
    socket.on('error', end);
  });
}

/** Bytes of a header that is read. */
const MOST_HEADER = 16_384;

interface Steps {
  /** TCP is connected. */
  readonly connected: () => void;
  /** The request can be sent. */
  readonly ready: (over: Socket) => void;
}

function connection({ host, port, tls }: ClientRequest, { connected, ready }: Steps): Socket {
  if (tls === undefined) {
    const plain = connect({ host, port }, () => ready(plain));
    return plain;
  }
  const { context, name, verify } = tls;
  const options = { host, port, secureContext: context, rejectUnauthorized: verify };
  const secured = tlsConnect(name === undefined ? options : { ...options, servername: name }, () => ready(secured));
  secured.once('connect', connected);
  return secured;
}
