/**
 * Who watches links: netlink's messages show when to look, and so does the count of each carrier, which is looked at twenty times
 * a second, more often after a change. The kernel holds a message back for up to a second when another link of the machine has
 * changed, in whichever network namespace (linkwatch lets one of them a second through). All is verified each second (an
 * interface renamed, no socket), after every (re)opening of the socket, and when messages were lost.
 */
import { Backoff } from '../model/backoff.ts';
import { ENOBUFS } from './errno.ts';
import { NetlinkFormatError } from './netlink.ts';
import { ABSENT, Link, type LinkState } from './link.ts';
import { NetlinkError, type NetlinkSocket } from './netlink-socket.ts';
import { changedLinks, linkSocket } from './rtnetlink.ts';

type LinkSocket = Pick<NetlinkSocket, 'receive' | 'readable' | 'close'>;

export interface LinkMonitorOptions {
  readonly devices: readonly string[];
  readonly clock: () => number;
  /** A change, or the first reading. */
  readonly changed: (device: string, carrier: 0 | 1, t: number) => void;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  /** Instead of /sys/class/net. */
  readonly root?: string;
  /** Test hook: another socket. */
  readonly open?: () => LinkSocket;
}

const LOOK_MS = 50;
/** After a change, for as long as the kernel may hold the next one back, and some. */
const SOON_MS = 10;
const SOON_FOR_MS = 2000;
const VERIFY_MS = 1000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** A message wakes at once whoever waits for one; this is how long the end of the agent may have to wait for that. */
const WAIT_MS = 250;

export class LinkMonitor {
  readonly #o: LinkMonitorOptions;
  #links = new Map<string, Link>();
  readonly #states = new Map<string, LinkState>();
  /** Devices whose carrier should be read: one after the other, since each may wait for the kernel. */
  readonly #doubted = new Set<string>();
  #verifying = false;
  readonly #end = new AbortController();
  readonly #regular: NodeJS.Timeout;
  #next: NodeJS.Timeout | undefined;
  #soonUntil = 0;
  #retry: NodeJS.Timeout | undefined;
  readonly #backoff = new Backoff(BACKOFF_MIN_MS, BACKOFF_MAX_MS);

  constructor(options: LinkMonitorOptions) {
    this.#o = options;
    for (const device of options.devices) {
      const link = this.#add(device, this.#links);
      link.settle();
      this.#set(device, link.look());
    }
    this.#regular = setInterval(() => this.resync(), VERIFY_MS);
    this.#schedule();
    void this.#follow();
  }

  #add(device: string, links: Map<string, Link>): Link {
    const link = this.#links.get(device) ?? new Link(device, this.#o.root);
    links.set(device, link);
    return link;
  }

  /** Watches these devices from now on, and reports the state of each: a NIC of another name may have taken over a device. */
  setDevices(devices: readonly string[]): void {
    const links = new Map<string, Link>();
    for (const device of devices) this.#add(device, links);
    for (const [device, link] of this.#links) if (!links.has(device)) link.close();
    this.#links = links;
    this.#states.clear();
    for (const [device, link] of links) this.#set(device, link.look());
    this.resync();
  }

  /** Last known state; a device not watched is absent. */
  state(device: string): LinkState {
    return this.#states.get(device) ?? ABSENT;
  }

  /** Reads everything again. */
  resync(): void {
    for (const device of this.#links.keys()) this.#doubt(device);
  }

  #schedule(): void {
    clearTimeout(this.#next);
    this.#next = setTimeout(
      () => {
        for (const [device, link] of this.#links) if (link.hasMoved(this.state(device))) this.#look(device, link);
        this.#schedule();
      },
      this.#o.clock() < this.#soonUntil ? SOON_MS : LOOK_MS,
    );
  }

  #look(device: string, link: Link): void {
    const state = link.look();
    // What the kernel holds back it tells when the carrier is read.
    if (state === undefined || state.changes !== this.#states.get(device)?.changes) this.#doubt(device);
    this.#set(device, state);
  }

  #doubt(device: string): void {
    this.#doubted.add(device);
    if (!this.#verifying) void this.#verify();
  }

  async #verify(): Promise<void> {
    this.#verifying = true;
    const { signal } = this.#end;
    for (const device of this.#doubted) {
      // One that is doubted again meanwhile comes once more.
      this.#doubted.delete(device);
      const link = this.#links.get(device);
      // What can't be read proves nothing, and is read again in a second.
      await link?.verify(signal).catch(() => undefined);
      if (signal.aborted) return;
      if (link !== undefined && link === this.#links.get(device)) this.#set(device, link.look());
    }
    this.#verifying = false;
  }

  #set(device: string, state: LinkState | undefined): void {
    if (state === undefined) return;
    const former = this.#states.get(device);
    this.#states.set(device, state);
    if (former?.carrier === state.carrier) return;
    const now = this.#o.clock();
    if (former !== undefined) {
      this.#soonUntil = now + SOON_FOR_MS;
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
      while (!this.#end.signal.aborted) if (await socket.readable(WAIT_MS)) this.#receive(socket);
    } catch (error) {
      if (!(error instanceof NetlinkError || error instanceof NetlinkFormatError)) throw error;
      const pause = this.#backoff.next();
      this.#o.log('no messages about links; polling each second until they are back', {
        error: (error as Error).message,
        backoff_ms: pause,
      });
      if (!this.#end.signal.aborted) this.#retry = setTimeout(() => void this.#follow(), pause);
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
    if (this.#end.signal.aborted) return;
    for (const device of named) {
      const link = this.#links.get(device);
      if (link !== undefined) this.#look(device, link);
    }
  }

  stop(): void {
    this.#end.abort();
    clearInterval(this.#regular);
    clearTimeout(this.#next);
    clearTimeout(this.#retry);
    for (const link of this.#links.values()) link.close();
  }
}
