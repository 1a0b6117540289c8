/**
 * The libc calls fourlane makes itself, through koffi (0.2 µs a call). Every call is synchronous and non-blocking: sockets are
 * opened with O_NONBLOCK and epoll is polled with a zero timeout, so nothing here can hold a lane's event loop.
 */
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');

export const socket = libc.func('int socket(int, int, int)') as (family: number, type: number, protocol: number) => number;
export const connect = libc.func('int connect(int, void*, uint)') as (fd: number, address: Uint8Array, length: number) => number;
export const bind = libc.func('int bind(int, void*, uint)') as (fd: number, address: Uint8Array, length: number) => number;
export const close = libc.func('int close(int)') as (fd: number) => number;
export const setsockopt = libc.func('int setsockopt(int, int, int, void*, uint)') as (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  length: number,
) => number;
export const getsockopt = libc.func('int getsockopt(int, int, int, void*, void*)') as (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  length: Uint8Array,
) => number;
const sendFunction = libc.func('long send(int, void*, size_t, int)');
export const send = sendFunction as unknown as (fd: number, data: Uint8Array, length: number, flags: number) => number;
export const recv = libc.func('long recv(int, void*, size_t, int)') as (
  fd: number,
  into: Uint8Array,
  length: number,
  flags: number,
) => number;
export const recvmsg = libc.func('long recvmsg(int, void*, int)') as (fd: number, message: Uint8Array, flags: number) => number;
const pollFunction = libc.func('int poll(void*, ulong, int)');
export const poll = pollFunction as unknown as (fds: Uint8Array, count: number, timeoutMs: number) => number;
const ifIndexToName = libc.func('void* if_indextoname(uint, void*)') as (index: number, into: Uint8Array) => unknown;
export const listen = libc.func('int listen(int, int)') as (fd: number, backlog: number) => number;
const acceptFunction = libc.func('int accept4(int, void*, void*, int)');
export const accept = (fd: number, flags: number) => acceptFunction(fd, null, null, flags) as number;
export const getsockname = libc.func('int getsockname(int, void*, void*)') as (
  fd: number,
  into: Uint8Array,
  length: Uint8Array,
) => number;
/** A system call that libc has no function for. */
export const syscall = libc.func('long syscall(long, long, void*, long)') as (
  number: number,
  command: number,
  argument: Uint8Array,
  length: number,
) => number | bigint;
export const epollCreate = libc.func('int epoll_create1(int)') as (flags: number) => number;
export const epollCtl = libc.func('int epoll_ctl(int, int, int, void*)') as (
  epfd: number,
  op: number,
  fd: number,
  event: Uint8Array,
) => number;
export const epollWait = libc.func('int epoll_wait(int, void*, int, int)') as (
  epfd: number,
  events: Uint8Array,
  max: number,
  timeoutMs: number,
) => number;

const ioctlFunction = libc.func('int ioctl(int, ulong, void*)');
export const mkfifo = libc.func('int mkfifo(const char*, uint)') as (path: string, mode: number) => number;
export const flock = libc.func('int flock(int, int)') as (fd: number, operation: number) => number;

export const adjtimex = libc.func('int adjtimex(void*)') as (timex: Uint8Array) => number;

/** Ends the process at once: nothing is waited for, no handler runs. */
export const exitNow = libc.func('void _exit(int)') as (status: number) => void;

/** errno of this thread's last failed call. */
export function errno(): number {
  return koffi.errno();
}

/**
 * Waits in a thread of Node's pool until `fd` can be read, at most `limitMs`; the process can't end before. Never rejects.
 * @returns whether it can
 */
export function readable(fd: number, limitMs: number): Promise<boolean> {
  const asked = Buffer.alloc(8);
  asked.writeInt32LE(fd, 0);
  asked.writeInt16LE(POLLIN, 4);
  return new Promise((resolve) => pollFunction.async(asked, 1, limitMs, () => resolve(asked.readInt16LE(6) !== 0)));
}

/** `ioctl` in a thread of Node's pool. Resolves to its result; the reason of a -1 is lost. */
export function ioctlLater(fd: number, request: number, argument: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) =>
    ioctlFunction.async(fd, request, argument, (error: Error | null, result: number) =>
      error === null ? resolve(result) : reject(error),
    ),
  );
}

/** `send` in a thread of Node's pool, as `ioctlLater`. */
export function sendLater(fd: number, data: Uint8Array, flags: number): Promise<number> {
  return new Promise((resolve, reject) =>
    sendFunction.async(fd, data, data.length, flags, (error: Error | null, result: number) =>
      error === null ? resolve(result) : reject(error),
    ),
  );
}

/** Name of the network interface with this number; undefined when there is none. */
export function interfaceName(index: number): string | undefined {
  const name = Buffer.alloc(16);
  if (ifIndexToName(index, name) === null) return undefined;
  return name.toString('utf8', 0, name.indexOf(0));
}

/** Address of a buffer's first byte, to be written into a C structure that outlives no longer than the buffer. */
export function addressOf(buffer: Uint8Array): bigint {
  return koffi.address(buffer);
}

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_LINGER = 13;
export const SO_BINDTODEVICE = 25;
export const SO_MARK = 36;
export const TCP_INFO = 11;
export const TCP_SAVE_SYN = 27;
export const TCP_SAVED_SYN = 28;
export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const IP_RECVERR = 11;
export const IPV6_RECVERR = 25;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_ERRQUEUE = 0x2000;
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x80000000;
export const EPOLL_CTL_ADD = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
