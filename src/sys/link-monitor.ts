/**
 * Link truth is sysfs; an `ip -o monitor link` child tells within ~10 ms when to look, a poll each second is the safety net (child
 * gone, interface renamed). The kernel tells a second change within a second late (linkwatch lets one event per second through), so
 * after each change the poll is quick for a while. After every (re)start of the child everything is read again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface LinkState {
  /** 1: administratively up with carrier. 0: anything else, also a device that does not exist. */
  readonly carrier: 0 | 1;
  /** Kernel operstate, or `absent`. */
  readonly operstate: string;
  /** Carrier changes since the device was made. */
  readonly changes: number;
}

export interface LinkMonitorOptions {
  readonly devices: readonly string[];
  readonly clock: () => number;
  /** A change, or the first reading. */
  readonly changed: (device: string, carrier: 0 | 1, t: number) => void;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
}

const POLL_MS = 1000;
const QUICK_POLL_MS = 10;
/** The kernel's second, and some. */
const QUICK_FOR_MS = 2000;
const BACKOFF_MAX_MS = 10_000;
/**
 * stdbuf: into a pipe, ip would keep lines back until its buffer is full. setpriv: after kill -9 of the agent, ip would live on until
 * the next event.
 */
const MONITOR = `\
if setpriv --pdeathsig TERM true; then exec setpriv --pdeathsig TERM stdbuf -oL ip -o monitor link; fi
exec stdbuf -oL ip -o monitor link`;

/** The device a line of `ip -o monitor link` is about; undefined for other lines. Its flags are not trusted: LOWER_UP comes with NO-CARRIER. */
export function parseLinkLine(line: string): string | undefined {
  return /^(?:Deleted )?\d+: ([^:@\s]+)(?:@[^:\s]+)?: </.exec(line)?.[1];
}

/**
 * Reads a device's state from sysfs; a missing device or an administratively down one has no carrier. Undefined when it can't be read for
 * other reasons, such as no free descriptor: that says nothing about the link.
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
  #child: ChildProcess | undefined;
  #retry: NodeJS.Timeout | undefined;
  #backoff = 100;
  #stopped = false;

  constructor(options: LinkMonitorOptions) {
    this.#o = options;
    this.resync();
    this.#follow();
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

  /** Watches these devices from now on, and tells the state of each: a NIC of another name may have taken over a device. */
  setDevices(devices: readonly string[]): void {
    this.#o = { ...this.#o, devices };
    this.#states.clear();
    this.resync();
  }

  /** Last known state; a device not watched is absent. */
  state(device: string): LinkState {
    return this.#states.get(device) ?? { carrier: 0, operstate: 'absent', changes: 0 };
  }

  /** Reads everything anew. */
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

  #follow(): void {
    const child = spawn('/bin/sh', ['-c', MONITOR], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    child.on('error', () => undefined); // `exit` or the missing pid below tells
    // Without a free descriptor there is no stdout either, whatever the types say.
    if (child.pid !== undefined) createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line));
    const ended = () => {
      if (this.#stopped || this.#child !== child) return;
      this.#child = undefined;
      this.#o.log('ip monitor ended; polling each second until it is back', { backoff_ms: this.#backoff });
      this.#retry = setTimeout(() => this.#follow(), this.#backoff);
      this.#backoff = Math.min(this.#backoff * 2, BACKOFF_MAX_MS);
    };
    if (child.pid === undefined) setImmediate(ended);
    else child.on('exit', ended);
    child.on('spawn', () => this.resync());
  }

  #onLine(line: string): void {
    const device = parseLinkLine(line);
    if (device === undefined || !this.#o.devices.includes(device)) return;
    this.#backoff = 100;
    this.#set(device, readLink(device));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#poll);
    clearTimeout(this.#retry);
    this.#child?.kill();
  }
}
