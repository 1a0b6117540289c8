/** Real servers that go up and down by a script of times, one for each pattern, and the checker that watches each. */
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecure } from 'node:tls';

/** s */
export const DELAY_LOOP = 3;

/** `second`: only the second page is wrong. */
export type Mode = 'good' | 'bad' | 'second' | 'silent' | 'closed';

export interface Pattern {
  readonly name: string;
  /** keepalived's blocks. */
  readonly checkers: string;
  readonly kind: Kind;
  /** What it is like at first; left out: good. */
  readonly first?: Mode;
  /** What it becomes, at which second. */
  readonly acts: readonly (readonly [second: number, mode: Mode])[];
  /** What both must say in this time. */
  readonly expected: string;
  readonly alpha?: true;
  /** Where it is not a `delay_loop`. */
  readonly tick?: Partial<Tick>;
}

/**
 * s; from one look at what goes bad, or comes back, to the next one: by so much may two programs be apart that look at times of
 * their own. A look ends when there is an answer, or at `connect_timeout`.
 */
export type Tick = Readonly<Record<'DOWN' | 'UP', number>>;

type Kind = 'web' | 'secure' | 'mail' | 'udp' | 'dns' | 'script' | 'file' | 'ping';

const PLAIN = 'connect_timeout 1\n delay_before_retry 1';
/** A silent server is waited for so long. */
const TIMEOUT = 1;
const web = (kind: string, options: string, urls = ['/a']) =>
  `${kind} {\n ${options}\n ${urls.map((path) => `url {\n path ${path}\n }`).join('\n ')}\n }`;
const TCP = `TCP_CHECK {\n ${PLAIN}\n }`;
const HTTP = web('HTTP_GET', PLAIN);
const ONCE = [
  [2, 'closed'],
  [17, 'good'],
] as const;
const WRONG = [
  [2, 'bad'],
  [17, 'good'],
] as const;
const SILENT = [
  [2, 'silent'],
  [17, 'good'],
] as const;
const DOWN_UP = 'DOWN UP';

export const PATTERNS: readonly Pattern[] = [
  { name: 'TCP refused', checkers: TCP, kind: 'web', acts: ONCE, expected: DOWN_UP },
  {
    name: 'TCP refused twice',
    checkers: TCP,
    kind: 'web',
    acts: [
      [2, 'closed'],
      [11, 'good'],
      [20, 'closed'],
      [29, 'good'],
    ],
    expected: 'DOWN UP DOWN UP',
  },
  { name: 'TCP, retry 0', checkers: `TCP_CHECK {\n ${PLAIN}\n retry 0\n }`, kind: 'web', acts: ONCE, expected: DOWN_UP },
  { name: 'TCP, retry 4', checkers: `TCP_CHECK {\n ${PLAIN}\n retry 4\n }`, kind: 'web', acts: ONCE, expected: DOWN_UP },
  {
    name: 'TCP, shorter than its retries',
    checkers: `TCP_CHECK {\n ${PLAIN}\n retry 4\n }`,
    kind: 'web',
    acts: [
      [2, 'closed'],
      [3.5, 'good'],
    ],
    expected: '',
  },
  {
    name: 'TCP, alpha, dead at first',
    checkers: TCP,
    kind: 'web',
    first: 'closed',
    alpha: true,
    acts: [
      [5, 'good'],
      [20, 'closed'],
    ],
    expected: 'UP DOWN',
  },
  {
    name: 'TCP, dead at first',
    checkers: TCP,
    kind: 'web',
    first: 'closed',
    acts: [
      [5, 'good'],
      [20, 'closed'],
    ],
    expected: 'UP DOWN',
  },
  { name: 'HTTP, wrong status', checkers: HTTP, kind: 'web', acts: WRONG, expected: DOWN_UP },
  { name: 'HTTP, refused', checkers: HTTP, kind: 'web', acts: ONCE, expected: DOWN_UP },
  { name: 'HTTP, silent', checkers: HTTP, kind: 'web', acts: SILENT, expected: DOWN_UP, tick: { UP: DELAY_LOOP + TIMEOUT } },
  {
    name: 'HTTP, its own delay_before_retry',
    checkers: web('HTTP_GET', 'connect_timeout 1'),
    kind: 'web',
    acts: WRONG,
    expected: DOWN_UP,
  },
  {
    name: 'HTTP, fast_recovery',
    checkers: web('HTTP_GET', `${PLAIN}\n fast_recovery`),
    kind: 'web',
    acts: WRONG,
    expected: DOWN_UP,
  },
  {
    name: 'HTTP of two pages, the second wrong',
    checkers: web('HTTP_GET', PLAIN, ['/a', '/b']),
    kind: 'web',
    acts: [
      [2, 'second'],
      [17, 'good'],
    ],
    expected: DOWN_UP,
    tick: { DOWN: 2 * DELAY_LOOP },
  },
  {
    name: 'HTTP of two pages, both, fast_recovery',
    checkers: web('HTTP_GET', `${PLAIN}\n fast_recovery`, ['/a', '/b']),
    kind: 'web',
    acts: WRONG,
    expected: DOWN_UP,
  },
  {
    name: 'SSL, wrong status',
    checkers: web('SSL_GET', 'connect_timeout 2\n delay_before_retry 1'),
    kind: 'secure',
    acts: WRONG,
    expected: DOWN_UP,
  },
  { name: 'TCP and HTTP, wrong status', checkers: `${TCP}\n ${HTTP}`, kind: 'web', acts: WRONG, expected: DOWN_UP },
  {
    name: 'UDP refused',
    checkers: `UDP_CHECK {\n ${PLAIN}\n retry 2\n }`,
    kind: 'udp',
    acts: ONCE,
    expected: DOWN_UP,
  },
  {
    name: 'UDP, no reply',
    checkers: `UDP_CHECK {\n ${PLAIN}\n payload 01\n require_reply\n }`,
    kind: 'udp',
    acts: SILENT,
    expected: DOWN_UP,
    tick: { UP: DELAY_LOOP + TIMEOUT },
  },
  {
    name: 'PING, no reply',
    checkers: `PING_CHECK {\n ${PLAIN}\n }`,
    kind: 'ping',
    acts: SILENT,
    expected: DOWN_UP,
    tick: { UP: DELAY_LOOP + TIMEOUT },
  },
  {
    name: 'DNS, no reply',
    checkers: 'DNS_CHECK {\n connect_timeout 1\n retry 1\n type A\n name good.test\n }',
    kind: 'dns',
    acts: SILENT,
    expected: DOWN_UP,
    tick: { UP: DELAY_LOOP + TIMEOUT },
  },
  { name: 'SMTP, wrong greeting', checkers: `SMTP_CHECK {\n ${PLAIN}\n }`, kind: 'mail', acts: WRONG, expected: DOWN_UP },
  {
    name: 'MISC, exit 1',
    checkers: 'MISC_CHECK {\n misc_path "/root/NAME"\n misc_timeout 2\n user root\n }',
    kind: 'script',
    acts: WRONG,
    expected: DOWN_UP,
  },
  {
    name: 'MISC, retry 1',
    checkers: 'MISC_CHECK {\n misc_path "/root/NAME"\n misc_timeout 2\n retry 1\n delay_before_retry 1\n user root\n }',
    kind: 'script',
    acts: WRONG,
    expected: DOWN_UP,
  },
  { name: 'FILE, 1', checkers: 'FILE_CHECK {\n track_file NAME\n weight 0\n }', kind: 'file', acts: WRONG, expected: DOWN_UP },
];

/** Name of the files of pattern k. */
export const nameOf = (k: number) => `pattern${k}`;
/** Its address, of the loopback. */
export const addressOf = (k: number) => `127.0.1.${k + 1}`;

/** Makes a real server become something. */
export type Become = (mode: Mode) => void | Promise<void>;

/** The real server of pattern k, as it is at first. */
export async function makeBackend(pattern: Pattern, k: number): Promise<Become> {
  const become = await MAKERS[pattern.kind](addressOf(k), nameOf(k));
  await become(pattern.first ?? 'good');
  return become;
}

const PORT = 80;
type Make = (ip: string, name: string) => Become | Promise<Become>;

/** A listener that is there or not, whose connections get what the mode of that moment says. */
function stream(ip: string, talk: (socket: Socket, mode: Mode) => void, make: (on: (s: Socket) => void) => Server): Become {
  const open = new Set<Socket>();
  let server: Server | undefined;
  let mode: Mode = 'closed';
  return async (next) => {
    mode = next;
    for (const socket of open) socket.destroy();
    const before = server;
    server = undefined;
    if (before) await new Promise((resolve) => before.close(resolve));
    if (next === 'closed') return;
    const made = make((socket) => {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
      talk(socket, mode);
    });
    made.on('connection', (socket: Socket) => socket.on('error', () => undefined));
    made.unref();
    server = made;
    await new Promise<void>((resolve) => made.listen(PORT, ip, resolve));
  };
}

function pages(socket: Socket, mode: Mode): void {
  if (mode === 'silent') return;
  socket.once('data', (data: Buffer) => {
    const wrong = mode === 'bad' || (mode === 'second' && data.includes('GET /b'));
    socket.end(`HTTP/1.0 ${wrong ? 500 : 200} it is\r\nContent-Length: 2\r\n\r\nok`);
  });
}

function mail(socket: Socket, mode: Mode): void {
  socket.write(mode === 'bad' ? '554 no\r\n' : '220 mail.test\r\n');
  socket.on('data', (data: Buffer) => void socket.write(data.includes('QUIT') ? '221 bye\r\n' : '250 hello\r\n'));
}

/** A socket that is there or not, and replies while it is good. */
function datagrams(ip: string, reply: (message: Buffer) => Buffer): Become {
  let socket: Datagrams | undefined;
  let mode: Mode = 'closed';
  return async (next) => {
    mode = next;
    if (next === 'closed') {
      const before = socket;
      socket = undefined;
      return new Promise((resolve) => (before ? before.close(resolve) : resolve()));
    }
    if (socket !== undefined) return undefined;
    const made = createSocket('udp4');
    made.unref();
    made.on('message', (message, from) => mode === 'good' && made.send(reply(message), from.port, from.address));
    socket = made;
    return new Promise((resolve) => made.bind(PORT, ip, resolve));
  };
}

function answer(question: Buffer): Buffer {
  const reply = Buffer.from(question);
  reply.writeUInt16BE(0x8180, 2);
  return reply;
}

const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));
const value = (path: string): Become => {
  return (mode) => writeFileSync(path, mode === 'good' ? '0\n' : '1\n');
};

const MAKERS: Readonly<Record<Kind, Make>> = {
  web: (ip) => stream(ip, pages, (on) => createServer(on)),
  secure: (ip) => stream(ip, pages, (on) => createSecure({ key: pem('key'), cert: pem('cert') }, on)),
  mail: (ip) => stream(ip, mail, (on) => createServer(on)),
  udp: (ip) => datagrams(ip, (message) => message),
  dns: (ip) => datagrams(ip, answer),
  script(_, name) {
    const path = `/root/${name}`;
    writeFileSync(path, `#!/bin/sh\nread -r code < ${path}.code\nexit "$code"\n`);
    chmodSync(path, 0o755);
    return value(`${path}.code`);
  },
  file: (_, name) => value(`/root/${name}.track`),
  // Of all addresses, which nothing else pings.
  ping: () => (mode) => writeFileSync('/proc/sys/net/ipv4/icmp_echo_ignore_all', mode === 'good' ? '0\n' : '1\n'),
};
