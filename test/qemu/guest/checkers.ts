/** What the checkers are tried on: servers, and for each option one that satisfies it and one that does not. */
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { closedPort, tcpServer, udpServer } from '../../checks/harness.ts';

export interface Row {
  readonly name: string;
  /** keepalived's block. */
  readonly checker: string;
  /** Ours. */
  readonly kind: string;
  readonly parameters: object;
  readonly port: number;
  readonly good: boolean;
  /** Where it is not the configured one. */
  readonly weight?: number;
  readonly udp?: true;
  readonly ip?: string;
  /** Where keepalived is known to say something else, and why. */
  readonly differs?: string;
}

/** Configured weight of every real server. */
export const WEIGHT = 10;
const BODY = 'Hello, checkers\nand others\n';
const CHUNKS = ['Hello', ', checkers\nand others\n'];
/** The header of /fixed: keepalived counts offsets of a match from its beginning. */
const HEAD = 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n';

const serve: RequestListener = (req, res) => {
  const socket = req.socket as Partial<TLSSocket> & { servername?: string | false };
  const right: Record<string, boolean> = {
    '/host': req.headers.host === 'web.test',
    '/sni': socket.servername === 'web.test',
    '/1.0': req.httpVersion === '1.0' && req.headers.connection === undefined,
    '/1.0C': req.httpVersion === '1.0' && req.headers.connection === 'close',
    '/1.1': req.httpVersion === '1.1' && req.headers.connection === 'close',
  };
  const status = /^\/(\d{3})$/.exec(req.url!)?.[1];
  res.statusCode = status === undefined ? (right[req.url!] === false ? 400 : 200) : Number(status);
  if (req.url === '/fixed') {
    req.socket.end(HEAD + BODY);
  } else if (req.url === '/chunked') {
    res.write(CHUNKS[0]);
    setTimeout(() => res.end(CHUNKS[1]), 50);
  } else res.setHeader('Content-Length', BODY.length).end(BODY);
};

function listening(server: Server): Promise<number> {
  server.unref();
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

function mail(greeting: string, helo: (line: string) => string): Promise<number> {
  return tcpServer((socket) => {
    socket.write(greeting);
    socket.on('data', (data: Buffer) => {
      for (const line of data.toString().split('\r\n').slice(0, -1)) socket.write(line === 'QUIT' ? '221 bye\r\n' : helo(line));
    });
  });
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));

type Pages = readonly (readonly [option: string, inner: string, ours: object, good: boolean])[];

const DIGEST = md5(BODY);
const FRAMED = md5(
  CHUNKS.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`)
    .join('')
    .concat('0\r\n\r\n'),
);

const offset = (which: string, at: number) => `path /fixed\n regex "ch"\n regex_${which}_offset ${HEAD.length + at}`;

/** `inner` stands in the url block; `around` in the checker's. */
const PAGES: Pages = [
  ['status default', 'path /', { path: '/' }, true],
  ['status default', 'path /404', { path: '/404' }, false],
  ['status_code', 'path /404\n status_code 404', { path: '/404', status: 404 }, true],
  ['status_code', 'path /\n status_code 404', { path: '/', status: 404 }, false],
  ['status_code ranges', 'path /403\n status_code 200-299 400-403', { path: '/403', status: '200-299,400-403' }, true],
  ['status_code ranges', 'path /404\n status_code 200-299 400-403', { path: '/404', status: '200-299,400-403' }, false],
  ['digest', `path /\n digest ${DIGEST}`, { digest: DIGEST }, true],
  ['digest', `path /\n digest ${md5('x')}`, { digest: md5('x') }, false],
  ['digest, no framing in 1.0', `path /chunked\n digest ${DIGEST}`, { path: '/chunked', digest: DIGEST }, true],
  ['digest of no frames', `path /chunked\n digest ${FRAMED}`, { path: '/chunked', digest: FRAMED }, false],
  ['regex', 'path /\n regex "ch.*rs"', { matches: 'ch.*rs' }, true],
  ['regex', 'path /\n regex "ch.*xx"', { matches: 'ch.*xx' }, false],
  ['regex_no_match', 'path /\n regex "xx"\n regex_no_match', { matches: 'xx', noMatch: true }, true],
  ['regex_no_match', 'path /\n regex "ch"\n regex_no_match', { matches: 'ch', noMatch: true }, false],
  ['regex_options', 'path /\n regex "HELLO"\n regex_options caseless', { matches: 'HELLO', matchFlags: ['caseless'] }, true],
  ['regex_options', 'path /\n regex "HELLO"', { matches: 'HELLO' }, false],
  ['regex_min_offset', offset('min', 7), { path: '/fixed', matches: 'ch', matchFrom: 7 }, true],
  ['regex_min_offset', offset('min', 8), { path: '/fixed', matches: 'ch', matchFrom: 8 }, false],
  ['regex_max_offset', offset('max', 7), { path: '/fixed', matches: 'ch', matchTo: 7 }, true],
  ['regex_max_offset', offset('max', 6), { path: '/fixed', matches: 'ch', matchTo: 6 }, false],
  ['virtualhost', 'path /host\n virtualhost web.test', { path: '/host', host: 'web.test' }, true],
  ['virtualhost', 'path /host\n virtualhost other.test', { path: '/host', host: 'other.test' }, false],
  ['http_protocol 1.0', 'path /1.0', { path: '/1.0' }, true],
  ['http_protocol 1.0', 'path /1.1', { path: '/1.1' }, false],
];

/** http_protocol and several urls: what stands around the url block. */
const AROUND: Pages = [
  ['http_protocol 1.0C', 'http_protocol 1.0C\n url {\n path /1.0C\n }', { path: '/1.0C', protocol: '1.0C' }, true],
  ['http_protocol 1.0C', 'http_protocol 1.0C\n url {\n path /1.0\n }', { path: '/1.0', protocol: '1.0C' }, false],
  ['http_protocol 1.1', 'http_protocol 1.1\n url {\n path /1.1\n }', { path: '/1.1', protocol: '1.1' }, true],
  [
    'digest of frames',
    `http_protocol 1.1\n url {\n path /chunked\n digest ${FRAMED}\n }`,
    { path: '/chunked', digest: FRAMED, protocol: '1.1' },
    true,
  ],
  ['urls', 'url {\n path /\n }\n url {\n path /201\n }', { urls: [{ path: '/' }, { path: '/201' }] }, true],
  ['urls', 'url {\n path /\n }\n url {\n path /404\n }', { urls: [{ path: '/' }, { path: '/404' }] }, false],
];

function webRows(checker: 'HTTP_GET' | 'SSL_GET', kind: string, port: number): Row[] {
  const row = ([option, inner, ours, good]: Pages[number], around: boolean): Row => ({
    name: `${checker} ${option}`,
    checker: `${checker} {\n ${around ? inner : `url {\n ${inner}\n }`}\n connect_timeout 5\n }`,
    kind,
    parameters: { protocol: '1.0', ...ours },
    port,
    good,
  });
  return [...PAGES.map((page) => row(page, false)), ...AROUND.map((page) => row(page, true))];
}

function script(name: string, text: string): string {
  const path = `/root/${name}`;
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

function scriptRows(port: number): Row[] {
  const rows: readonly (readonly [option: string, text: string, dynamic: boolean, good: boolean, weight?: number])[] = [
    ['exit 0', 'exit 0', false, true],
    ['exit 1', 'exit 1', false, false],
    ['exit 7, not dynamic', 'exit 7', false, false],
    ['misc_dynamic 0', 'exit 0', true, true],
    ['misc_dynamic 1', 'exit 1', true, false],
    ['misc_dynamic 7', 'exit 7', true, true, 5],
    ['misc_dynamic 102', 'exit 102', true, true, 100],
    ['misc_timeout', 'sleep 20', false, false],
    [
      'user',
      'while read -r name uid more; do [ "$name $uid" = "Uid: 0" ] && exit 0; done < /proc/self/status; exit 1',
      false,
      true,
    ],
  ];
  return rows.map(([option, text, dynamic, good, weight], k) => {
    const path = script(`misc${k}`, text);
    const timeout = option === 'misc_timeout' ? '\n misc_timeout 1' : '';
    return {
      name: `MISC_CHECK ${option}`,
      checker: `MISC_CHECK {\n misc_path "${path}"${timeout}${dynamic ? '\n misc_dynamic' : ''}\n user root\n }`,
      kind: 'exec',
      parameters: { command: [path], ...(dynamic ? { dynamic } : {}), user: 'root' },
      port,
      good,
      ...(weight === undefined ? {} : { weight }),
    };
  });
}

/** Definitions of track files, and their rows. */
function fileRows(port: number): { readonly rows: Row[]; readonly definitions: string } {
  const all: readonly (readonly [value: string, weight: number, reverse: boolean, good: boolean, now?: number])[] = [
    ['0', 0, false, true],
    ['1', 0, false, false],
    ['3', 2, false, true, 16],
    ['3', -2, false, true, 4],
    ['3', 2, true, true, 4],
    ['30', -2, false, true, 0],
  ];
  const rows = all.map(([value, weight, reverse, good, now], k): Row => {
    const path = `/root/track${k}`;
    writeFileSync(path, `${value}\n`);
    return {
      name: `FILE_CHECK ${value} weight ${weight}${reverse ? ' reverse' : ''}`,
      checker: `FILE_CHECK {\n track_file f${k}\n weight ${weight}${reverse ? ' reverse' : ''}\n }`,
      kind: 'file',
      parameters: { path, weight, reverse },
      port,
      good,
      ...(now === undefined ? {} : { weight: now }),
    };
  });
  return { rows, definitions: all.map((_, k) => `track_file f${k} {\n file /root/track${k}\n }`).join('\n') };
}

/** All rows, their servers started, and what keepalived needs to know besides. */
export async function makeRows(): Promise<{ readonly rows: readonly Row[]; readonly definitions: string }> {
  const web = await listening(createHttp(serve));
  const secure = await listening(createHttps({ key: pem('key'), cert: pem('cert') }, serve));
  const closed = await closedPort();
  const tcp = await tcpServer();
  const dns = await udpServer((question) => {
    const reply = Buffer.from(question);
    const known = question.includes('\x04good', 0, 'latin1') && question.readUInt16BE(question.length - 4) === 28;
    reply.writeUInt16BE(known || question.length === 17 ? 0x8180 : 0x8183, 2);
    return reply;
  });
  const echo = await udpServer((message) => message);
  const silent = await udpServer(() => undefined);
  const posts = {
    good: await mail('220 mail.test\r\n', (line) => (line === 'HELO lb.test' ? '250 hello\r\n' : '501 who\r\n')),
    lines: await mail('220-mail.test\r\n220 ready\r\n', () => '250-hello\r\n250 HELP\r\n'),
    closed: await mail('554 no\r\n', () => '250 hello\r\n'),
  };
  const smtp = (name: string, port: number, good: boolean): Row => ({
    name: `SMTP_CHECK helo_name ${name}`,
    checker: `SMTP_CHECK {\n helo_name ${name}\n }`,
    kind: 'smtp',
    parameters: { helo: name },
    port,
    good,
  });
  const ask = (option: string, inner: string, parameters: object, good: boolean): Row => ({
    name: `DNS_CHECK ${option}`,
    checker: `DNS_CHECK {\n ${inner}\n retry 1\n }`,
    kind: 'dns',
    parameters,
    port: dns,
    good,
    udp: true,
  });
  const udp = (option: string, inner: string, parameters: object, port: number, good: boolean): Row => ({
    name: `UDP_CHECK ${option}`,
    checker: `UDP_CHECK {\n ${inner}\n connect_timeout 1\n }`,
    kind: 'udp',
    parameters,
    port,
    good,
    udp: true,
  });
  const files = fileRows(tcp);
  const plain = (name: string, kind: string, row: Pick<Row, 'port' | 'good'> & Partial<Row>): Row => ({
    name,
    checker: `${name} {\n connect_timeout 1\n }`,
    kind,
    parameters: {},
    ...row,
  });
  const rows = [
    plain('TCP_CHECK', 'tcp', { port: tcp, good: true }),
    plain('TCP_CHECK', 'tcp', { port: closed, good: false }),
    ...webRows('HTTP_GET', 'http', web),
    ...webRows('SSL_GET', 'ssl', secure),
    {
      name: 'SSL_GET enable_sni',
      checker: 'SSL_GET {\n enable_sni\n virtualhost web.test\n url {\n path /sni\n }\n connect_timeout 5\n }',
      kind: 'ssl',
      parameters: { path: '/sni', host: 'web.test', protocol: '1.0' },
      port: secure,
      good: true,
    },
    {
      name: 'SSL_GET without enable_sni',
      checker: 'SSL_GET {\n virtualhost web.test\n url {\n path /sni\n }\n connect_timeout 5\n }',
      kind: 'ssl',
      parameters: { path: '/sni', host: 'web.test', sni: false, protocol: '1.0' },
      port: secure,
      good: false,
    },
    {
      name: 'HTTP_GET regex to the end of the body',
      checker: 'HTTP_GET {\n url {\n path /\n regex "others.*$"\n regex_options dotall\n }\n connect_timeout 5\n }',
      kind: 'http',
      parameters: { matches: 'others.*$', matchFlags: ['dotall'], protocol: '1.0' },
      port: web,
      good: true,
      differs: 'keepalived waits for more of a match that might go on, and forgets it when none comes',
    },
    {
      name: 'HTTP_GET regex in the header',
      checker: 'HTTP_GET {\n url {\n path /fixed\n regex "text/plain"\n }\n connect_timeout 5\n }',
      kind: 'http',
      parameters: { path: '/fixed', matches: 'text/plain', protocol: '1.0' },
      port: web,
      good: false,
      differs: 'keepalived searches the header too',
    },
    {
      name: 'SMTP_CHECK several lines',
      checker: 'SMTP_CHECK {\n helo_name lb.test\n }',
      kind: 'smtp',
      parameters: { helo: 'lb.test' },
      port: posts.lines,
      good: true,
      differs: 'keepalived takes the first line of several for a wrong reply',
    },
    smtp('lb.test', posts.good, true),
    smtp('other.test', posts.good, false),
    smtp('lb.test', posts.closed, false),
    ask('default', 'type SOA', {}, true),
    ask('type and name', 'type AAAA\n name good.test', { query: 'AAAA', name: 'good.test' }, true),
    ask('type', 'type A\n name good.test', { query: 'A', name: 'good.test' }, false),
    ask('name', 'type AAAA\n name bad.test', { query: 'AAAA', name: 'bad.test' }, false),
    udp('require_reply', 'payload 0102a0\n require_reply 0102', { payloadHex: '0102a0', replyHex: '0102' }, echo, true),
    udp('require_reply', 'payload 0102a0\n require_reply 0103', { payloadHex: '0102a0', replyHex: '0103' }, echo, false),
    udp('wildcards', 'payload 0102a0\n require_reply x1xxAx', { payloadHex: '0102a0', replyHex: 'x1xxAx' }, echo, true),
    udp('wildcards', 'payload 0102a0\n require_reply x1xxBx', { payloadHex: '0102a0', replyHex: 'x1xxBx' }, echo, false),
    udp('shorter reply', 'payload 01\n require_reply 0102', { payloadHex: '01', replyHex: '0102' }, echo, true),
    udp(
      'min_reply_length',
      'payload 0102\n require_reply 01\n min_reply_length 3',
      { payloadHex: '0102', replyHex: '01', minReply: 3 },
      echo,
      false,
    ),
    udp(
      'max_reply_length',
      'payload 0102\n require_reply 01\n max_reply_length 1',
      { payloadHex: '0102', replyHex: '01', maxReply: 1 },
      echo,
      false,
    ),
    udp('require_reply, silence', 'payload 01\n require_reply', { payloadHex: '01' }, silent, false),
    udp('silence', 'payload 01', { payloadHex: '01', requireReply: false }, silent, true),
    udp('refused', 'payload 01', { payloadHex: '01', requireReply: false }, closed, false),
    plain('PING_CHECK', 'ping', { port: tcp, good: true }),
    plain('PING_CHECK', 'ping', { port: tcp, good: false, ip: '203.0.113.9' }),
    ...scriptRows(tcp),
    ...files.rows,
  ];
  return { rows, definitions: files.definitions };
}
