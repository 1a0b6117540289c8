/**
 * Link truth: an `ip -o monitor link` child tells changes within ~10 ms; a sysfs poll each second is the safety net (events lost,
 * child gone, interface renamed) and reads the flap counters. After every (re)start of the child everything is read again.
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
const BACKOFF_MAX_MS = 10_000;

/** One line of `ip -o monitor link`: device and whether it can carry traffic; undefined for other lines. */
export function parseLinkLine(line: string): { device: string; carrier: 0 | 1 } | undefined {
  const m = /^(Deleted )?\d+: ([^:@\s]+)(?:@[^:\s]+)?: <([^>]*)>/.exec(line);
  if (!m) return undefined;
  const flags = new Set(m[3]!.split(','));
  const state = / state (\S+)/.exec(line)?.[1] ?? 'UNKNOWN';
  // LOWER_UP is no proof: iproute2 prints it together with NO-CARRIER.
  const up = m[1] === undefined && flags.has('UP') && !flags.has('NO-CARRIER') && state !== 'DOWN' && state !== 'LOWERLAYERDOWN';
  return { device: m[2]!, carrier: up ? 1 : 0 };
}

/** Reads a device's state from sysfs; a missing device or an administratively down one has no carrier. */
export function readLink(device: string): LinkState {
  const read = (file: string) => {
    try {
      return readFileSync(`/sys/class/net/${device}/${file}`, 'utf8').trim();
    } catch {
      return undefined; // absent device; `carrier` is EINVAL while administratively down
    }
  };
  const operstate = read('operstate') ?? 'absent';
  const carrier = read('carrier') === '1' && operstate !== 'down' && operstate !== 'lowerlayerdown' ? 1 : 0;
  return { carrier, operstate, changes: Number(read('carrier_changes') ?? 0) };
}

export class LinkMonitor {
  #o: LinkMonitorOptions;
  readonly #states = new Map<string, LinkState>();
  readonly #poll: NodeJS.Timeout;
  #child: ChildProcess | undefined;
  #retry: NodeJS.Timeout | undefined;
  #backoff = 100;
  #stopped = false;

  constructor(options: LinkMonitorOptions) {
    this.#o = options;
    this.resync();
    this.#follow();
    this.#poll = setInterval(() => this.resync(), POLL_MS);
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

  #set(device: string, state: LinkState): void {
    const former = this.#states.get(device);
    this.#states.set(device, state);
    if (former?.carrier !== state.carrier) this.#o.changed(device, state.carrier, this.#o.clock());
  }

  #follow(): void {
    // stdbuf: into a pipe, ip would keep lines back until its buffer is full.
    const child = spawn('stdbuf', ['-oL', 'ip', '-o', 'monitor', 'link'], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    child.on('error', () => undefined); // `exit` or the missing pid below tells
    createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line));
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
    const seen = parseLinkLine(line);
    if (!seen || !this.#o.devices.includes(seen.device)) return;
    this.#backoff = 100;
    const known = this.state(seen.device);
    this.#set(seen.device, { ...known, carrier: seen.carrier, operstate: seen.carrier === 1 ? 'up' : 'down' });
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#poll);
    clearTimeout(this.#retry);
    this.#child?.kill();
  }
}
