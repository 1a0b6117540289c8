/**
 * Link truth is sysfs; netlink's messages about links show when to look, a poll each second is the safety net (no socket,
 * interface renamed). The kernel reports a second change within a second late (linkwatch lets one event per second through), so
 * after each change the poll is quick for a while. After every (re)opening of the socket, and when messages were lost, everything
 * is read again.
 */
import { readFileSync } from 'node:fs';
import { Backoff } from '../model/backoff.ts';
import { ENOBUFS } from './errno.ts';
import { NetlinkFormatError } from './netlink.ts';
import { NetlinkError, type NetlinkSocket } from './netlink-socket.ts';
import { changedLinks, linkSocket } from './rtnetlink.ts';

export interface LinkState {
  /** 1: administratively up with carrier. 0: anything else, also a device that does not exist. */
  readonly carrier: 0 | 1;
  /** Kernel operstate, or `absent`. */
  readonly operstate: string;
  /** Carrier changes since the device was made. */
  readonly changes: number;
}

type LinkSocket = Pick<NetlinkSocket, 'receive' | 'readable' | 'close'>;

export interface LinkMonitorOptions {
  readonly devices: readonly string[];
  readonly clock: () => number;
  /** A change, or the first reading. */
  readonly changed: (device: string, carrier: 0 | 1, t: number) => void;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  /** Test hook: another socket. */
  readonly open?: () => LinkSocket;
}

const POLL_MS = 1000;
const QUICK_POLL_MS = 10;
/** The kernel's second, and some. */
const QUICK_FOR_MS = 2000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** A message wakes at once whoever waits for one; this is how long the end of the agent may have to wait for that. */
const WAIT_MS = 250;
/**
 * Reads a device's state from sysfs; a missing device or an administratively down one has no carrier. Undefined when it can't be
 * read for other reasons, such as no free descriptor: that proves nothing about the link.
 */
export function readLink(device: string): LinkState | undefined {
  let unreadable = false;
  const read = (file: string) => {
    try {
      return readFileSync(`/sys/class/net/${device}/${file}`, 'utf8').trim();
    } catch (error) {
      // Absent device; `carrier` is EINVAL while administratively down.
      unreadable ||= !/^(ENOENT|ENODEV|ENOTDIR|EINVAL)$/.test((error as NodeJS.ErrnoException).code ?? '');
      return undefined;
    }
  };
  const operstate = read('operstate') ?? 'absent';
  const carrier = read('carrier') === '1' && operstate !== 'down' && operstate !== 'lowerlayerdown' ? 1 : 0;
  const changes = Number(read('carrier_changes') ?? 0);
  return unreadable ? undefined : { carrier, operstate, changes };
}

export class LinkMonitor {
  #o: LinkMonitorOptions;
  readonly #states = new Map<string, LinkState>();
  #poll: NodeJS.Timeout | undefined;
  #quickUntil = 0;
  #retry: NodeJS.Timeout | undefined;
  readonly #backoff = new Backoff(BACKOFF_MIN_MS, BACKOFF_MAX_MS);
  #stopped = false;

  constructor(options: LinkMonitorOptions) {
    this.#o = options;
    this.resync();
    void this.#follow();
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#poll);
    const pause = this.#o.clock() < this.#quickUntil ? QUICK_POLL_MS : POLL_MS;
    this.#poll = setTimeout(() => {
      this.resync();
      this.#schedule();
    }, pause);
  }

  /** Watches these devices from now on, and reports the state of each: a NIC of another name may have taken over a device. */
  setDevices(devices: readonly string[]): void {
    this.#o = { ...this.#o, devices };
    this.#states.clear();
    this.resync();
  }

  /** Last known state; a device not watched is absent. */
  state(device: string): LinkState {
    return this.#states.get(device) ?? { carrier: 0, operstate: 'absent', changes: 0 };
  }

  /** Reads everything again. */
  resync(): void {
    for (const device of this.#o.devices) this.#set(device, readLink(device));
  }

  #set(device: string, state: LinkState | undefined): void {
    if (state === undefined) return;
    const former = this.#states.get(device);
    this.#states.set(device, state);
    if (former?.carrier === state.carrier) return;
    const now = this.#o.clock();
    if (former) {
      this.#quickUntil = now + QUICK_FOR_MS;
      this.#schedule();
    }
    this.#o.changed(device, state.carrier, now);
  }

  /** Receives messages until it is stopped; while there is no socket, only the poll is left. */
  async #follow(): Promise<void> {
    let socket: LinkSocket | undefined;
    try {
      socket = this.#o.open?.() ?? linkSocket();
      this.resync();
      while (!this.#stopped) if (await socket.readable(WAIT_MS)) this.#receive(socket);
    } catch (error) {
      if (!(error instanceof NetlinkError || error instanceof NetlinkFormatError)) throw error;
      const pause = this.#backoff.next();
      this.#o.log('no messages about links; polling each second until they are back', {
        error: (error as Error).message,
        backoff_ms: pause,
      });
      if (!this.#stopped) this.#retry = setTimeout(() => void this.#follow(), pause);
    } finally {
      socket?.close();
    }
  }

  #receive(socket: LinkSocket): void {
    const named = new Set<string>();
    try {
      for (let datagram = socket.receive(); datagram !== undefined; datagram = socket.receive()) {
        for (const device of changedLinks(datagram)) named.add(device);
      }
      this.#backoff.reset();
    } catch (error) {
      if (!(error instanceof NetlinkError && error.errno === ENOBUFS)) throw error;
      this.resync(); // too many messages at once: some were lost, and nobody knows which
    }
    for (const device of named) if (!this.#stopped && this.#o.devices.includes(device)) this.#set(device, readLink(device));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#poll);
    clearTimeout(this.#retry);
  }
}
