/** PROXY protocol headers, right and wrong, as bytes, and what listeners of nginx and haproxy do with them. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const REQUEST = Buffer.from('GET /whoami HTTP/1.1\r\nHost: rs.test\r\nConnection: close\r\n\r\n');
const V4 = Buffer.from([192, 0, 2, 77, 203, 0, 113, 10, 0x9c, 0x8d, 0, 80]);
const V6 = Buffer.from('20010db800000000000000000000007720010db8000000000000000000000010' + '9c8d0050', 'hex');
const V1 = 'PROXY TCP4 192.0.2.77 203.0.113.10 40077 80\r\n';

/** A header of version 2: version and command, family and protocol, what follows. */
function v2(command: number, family: number, ...rest: readonly Buffer[]): Buffer {
  const body = Buffer.concat(rest);
  const fixed = Buffer.from([command, family, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), fixed, body]);
}

function tlv(type: number, value: Buffer, length = value.length): Buffer {
  return Buffer.concat([Buffer.from([type, length >> 8, length & 0xff]), value]);
}

/** CRC32C (Castagnoli), as RFC 4960 appendix B has it. */
export function crc32c(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** With a TLV of the checksum of the whole header, in which it counts as zeros. */
function checked(wrong: boolean): Buffer {
  const header = v2(0x21, 0x11, V4, tlv(3, Buffer.alloc(4)));
  header.writeUInt32BE((crc32c(header) ^ (wrong ? 1 : 0)) >>> 0, header.length - 4);
  return header;
}

/** What is sent: all at once, or in parts 100 ms apart; then nothing, a half-closed connection, or its end. */
interface Sending {
  readonly parts: readonly Buffer[];
  readonly ending?: 'half' | 'close';
}

const asked = (header: Buffer | string): Sending => ({ parts: [Buffer.concat([Buffer.from(header), REQUEST])] });
const split = (header: Buffer, at: number): Sending => ({
  parts: [header.subarray(0, at), Buffer.concat([header.subarray(at), REQUEST])],
});
const TCP4 = v2(0x21, 0x11, V4);
const LOCAL = v2(0x20, 0);
const HELLO = Buffer.from('160301002f0100002b0303' + '11'.repeat(32) + '000004130113020100', 'hex');

/** By the name of their row in the recorded matrix. */
const SENT: Readonly<Record<string, Sending>> = {
  'none+GET': asked(''),
  'none+nothing (connect, close after 200 ms)': { parts: [], ending: 'close' },
  'none+TLS ClientHello': { parts: [HELLO] },
  'v1 TCP4': asked(V1),
  'v1 TCP6': asked('PROXY TCP6 2001:db8::77 2001:db8::10 40077 80\r\n'),
  'v1 UNKNOWN': asked('PROXY UNKNOWN\r\n'),
  'v1 UNKNOWN with addresses': asked('PROXY UNKNOWN 192.0.2.77 203.0.113.10 40077 80\r\n'),
  'v1 bad address': asked(V1.replace('192', '999')),
  'v1 port 0': asked(V1.replace('40077', '0')),
  'v1 lower case': asked(V1.toLowerCase()),
  'v1 LF only': asked(V1.replace('\r', '')),
  'v1 in two segments (100 ms apart)': split(Buffer.from(V1), 12),
  'v1 partial, then silence': { parts: [Buffer.from(V1.slice(0, 20))] },
  'v1 twice': asked(V1 + V1),
  'v2 PROXY TCP4': asked(TCP4),
  'v2 PROXY TCP6': asked(v2(0x21, 0x21, V6)),
  'v2 LOCAL, length 0, family UNSPEC': asked(LOCAL),
  'v2 LOCAL, length 0, no payload, half close': { parts: [LOCAL], ending: 'half' },
  'v2 LOCAL with TCP4 addresses': asked(v2(0x20, 0x11, V4)),
  'v2 PROXY UNSPEC, length 0': asked(v2(0x21, 0)),
  'v2 PROXY UDP4 (0x12) on TCP': asked(v2(0x21, 0x12, V4)),
  'v2 PROXY UNIX': asked(v2(0x21, 0x31, Buffer.alloc(216))),
  'v2 command 2 (undefined)': asked(v2(0x22, 0x11, V4)),
  'v2 version 3': asked(v2(0x31, 0x11, V4)),
  'v2 + TLV authority, unique id, NOOP': asked(
    v2(0x21, 0x11, V4, tlv(2, Buffer.from('rs.test')), tlv(5, Buffer.from('ID123')), tlv(4, Buffer.alloc(3))),
  ),
  'v2 + TLV CRC32C good': asked(checked(false)),
  'v2 + TLV CRC32C bad': asked(checked(true)),
  'v2 + unknown TLV 0xE0': asked(v2(0x21, 0x11, V4, tlv(0xe0, Buffer.from('x')))),
  'v2 + TLV length past the end': asked(v2(0x21, 0x11, V4, tlv(2, Buffer.from('rs'), 100))),
  'v2 + 2 kB of NOOP TLV': asked(v2(0x21, 0x11, V4, tlv(4, Buffer.alloc(2000)))),
  'v2 + 8 kB of NOOP TLV': asked(v2(0x21, 0x11, V4, tlv(4, Buffer.alloc(8000)))),
  'v2 in two segments (100 ms apart)': split(TCP4, 14),
  'v2 twice': asked(Buffer.concat([TCP4, TCP4])),
  'v2 LOCAL then v1': asked(Buffer.concat([LOCAL, Buffer.from(V1)])),
};

/** Ports of the listeners, by the name of their column. */
export const MATRIX_LISTENERS: Readonly<Record<string, number>> = {
  'nginx http plain': 8011,
  'nginx http proxy_protocol': 8012,
  'nginx stream proxy_protocol': 8013,
  'nginx http proxy_protocol+real_ip': 8014,
  'haproxy http plain': 8015,
  'haproxy http accept-proxy': 8016,
  'haproxy tcp accept-proxy': 8017,
  'haproxy expect-proxy, other source': 8018,
};

const PP = 'pp=$proxy_protocol_addr:$proxy_protocol_port';
const REMOTE = 'remote=$remote_addr:$remote_port';

/** Servers of the http block. */
export const MATRIX_NGINX_HTTP = `
  server { listen 8011; location / { return 200 "${REMOTE}\\n"; } }
  server { listen 8012 proxy_protocol;
    location / { return 200 "${REMOTE} ${PP} srv=$proxy_protocol_server_addr:$proxy_protocol_server_port\\n"; } }
  server { listen 8014 proxy_protocol; set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;
    location / { return 200 "${REMOTE} ${PP}\\n"; } }`;

export const MATRIX_NGINX_STREAM = `stream { server { listen 8013 proxy_protocol; return "${REMOTE} ${PP}\\n"; } }`;

const lf = (text: string) => `  http-request return status 200 content-type text/plain lf-string "${text}\\n"`;
const SRC = 'src=%[src]:%[src_port]';

export const MATRIX_HAPROXY = `
frontend matrix_plain
  bind :8015
  timeout client 3s
${lf(SRC)}
frontend matrix_accept
  bind :8016 accept-proxy
  timeout client 3s
${lf(`${SRC} dst=%[dst]:%[dst_port] auth=%[fc_pp_authority] uid=%[fc_pp_unique_id,hex] rcvd=%[fc_rcvd_proxy]`)}
frontend matrix_tcp
  bind :8017 accept-proxy
  mode tcp
  timeout client 3s
  default_backend matrix_rs
backend matrix_rs
  mode tcp
  server rs 127.0.0.1:8011
frontend matrix_expect
  bind :8018
  timeout client 3s
  tcp-request connection expect-proxy layer4 if { src 127.0.0.9 }
${lf(`${SRC} rcvd=%[fc_rcvd_proxy]`)}
`;

/** As recorded it was 100: enough only where the server reads at once, and not both parts together. */
const APART_MS = 1000;

/** Sends it; `STATUS BODY END`, where END is who ended the connection, by FIN or RST. Our own address reads `self`. */
function answerTo(port: number, { parts, ending }: Sending): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    let text = '';
    const end = (how: string) => {
      socket.destroy();
      const [head = '', body = ''] = text.startsWith('HTTP/') ? text.split('\r\n\r\n') : ['', text];
      const status = /^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? '';
      const shown = body.trim().replaceAll(/127\.0\.0\.1:\d+/g, 'self');
      resolve([status, Number(status) >= 400 ? '' : shown, how].filter((part) => part !== '').join(' '));
    };
    socket.on('connect', () => {
      parts.forEach((part, k) => setTimeout(() => socket.destroyed || socket.write(part), APART_MS * k));
      if (ending === 'half') setTimeout(() => socket.end(), 100 * parts.length);
      if (ending === 'close') setTimeout(end, 200, 'ours');
    });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => end('FIN'));
    socket.on('error', () => end('RST'));
  });
}

export type Matrix = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** As it was recorded with nginx 1.22.1 and haproxy 2.6.12. */
export const recordedMatrix = JSON.parse(
  readFileSync(new URL('../fixtures/passthrough/matrix.json', import.meta.url), 'utf8'),
) as Matrix;

/** Every header to every listener, at the same time. */
export async function askMatrix(): Promise<Matrix> {
  const rows = Object.entries(SENT).map(async ([name, sending]) => {
    const cells = Object.entries(MATRIX_LISTENERS).map(async ([listener, port]) => [listener, await answerTo(port, sending)]);
    return [name, Object.fromEntries(await Promise.all(cells)) as Record<string, string>] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}
