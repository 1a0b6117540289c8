/** All lanes of the agent: plan in, results out. Knows which cell of which lane is which judge column. */
import { checkKinds } from '../checks/index.ts';
import { DROPPED, drain } from '../model/board.ts';
import { append, newBatch, type ResultBatch } from '../model/facts.ts';
import type { CellBatch } from '../model/messages.ts';
import type { Address, CheckProfile, Nic, Plan } from '../model/plan.ts';
import { BatchBuilder } from './batch.ts';
import { Lane, type LaneOptions } from './lane.ts';

export type LanesOptions = Pick<LaneOptions, 'clock' | 'log' | 'withoutDeviceBinding' | 'entry'>;

interface Member {
  readonly lane: Lane;
  readonly nic: Nic;
  /** Cell number by target key or anchor id. */
  readonly cellOf: Map<string, number>;
  readonly free: number[];
  used: number;
  /** By cell: judge column, or -(anchor + 1); FORGOTTEN when its occupant is gone. */
  column: Int32Array;
  generation: Uint32Array;
}

const FORGOTTEN = 0x7fffffff;
const ANCHOR_INTERVAL_MS = 200;
const ANCHOR_TIMEOUT_MS = 180;
const WATCH_MS = 1000;

/** Anchors are probed five times a second, by ping or TCP handshake. */
const anchorProfiles: Readonly<Record<'ping' | 'tcp', CheckProfile>> = {
  ping: { type: 'ping', size: 56, interval: ANCHOR_INTERVAL_MS, timeout: ANCHOR_TIMEOUT_MS, fall: 3, rise: 2 },
  tcp: { type: 'tcp', interval: ANCHOR_INTERVAL_MS, timeout: ANCHOR_TIMEOUT_MS, fall: 3, rise: 2 },
};

export class Lanes {
  readonly #o: LanesOptions;
  #members: Member[] = [];
  #plan: Plan | undefined;
  #batch: ResultBatch = newBatch(4096);
  /** Expiry of the last certificate seen, Unix ms, by target key. */
  readonly certificates = new Map<string, number>();
  readonly #watch: NodeJS.Timeout;

  constructor(options: LanesOptions) {
    this.#o = options;
    let last = options.clock();
    this.#watch = setInterval(() => {
      const now = options.clock();
      // Whatever stopped this thread (SIGSTOP, no CPU) may have stopped the lanes too: they get a turn first.
      if (now - last < 2 * WATCH_MS) for (const { lane } of this.#members) lane.watch(now);
      last = now;
    }, WATCH_MS);
  }

  /** Lanes in plan order. */
  get all(): readonly Lane[] {
    return this.#members.map((member) => member.lane);
  }

  /** NIC names in plan order. */
  get names(): readonly string[] {
    return this.#members.map((member) => member.nic.name);
  }

  /** The lane of a NIC. */
  lane(nic: string): Lane | undefined {
    return this.#members.find((member) => member.nic.name === nic)?.lane;
  }

  /** Runs this plan: lanes of kept NICs go on, unchanged targets are not touched. Resolves when every lane runs. */
  async apply(plan: Plan): Promise<void> {
    this.#plan = plan;
    const former = new Map(this.#members.map((member) => [identity(member.nic), member]));
    this.#members = plan.nics.map((nic) => {
      const kept = former.get(identity(nic));
      former.delete(identity(nic));
      return kept ? { ...kept, nic } : this.#recruit(nic, plan.targets.length + nic.anchors.length);
    });
    const ended = [...former.values()].map((m) => m.lane.stop());
    for (const member of this.#members) this.#assign(member, plan);
    await Promise.all([...ended, ...this.#members.map((member) => member.lane.running())]);
  }

  #recruit(nic: Nic, cells: number): Member {
    // Room for four seconds of results at one a second and cell, so that a stalled main thread loses nothing it could still use.
    const ringCapacity = 2 ** Math.min(18, Math.max(12, Math.ceil(Math.log2(cells * 4 + 1))));
    const lane = new Lane({
      ...this.#o,
      nic: nic.name,
      device: nic.device,
      ...(nic.source === undefined ? {} : { source: nic.source }),
      kinds: checkKinds.length,
      cells: () => this.#cellsOf(nic),
      occupant: (cell) => this.#occupantOf(nic, cell),
      ringCapacity,
      certificate: (name, cell, generation, notAfterMs) => this.#onCertificate(name, cell, generation, notAfterMs),
    });
    return { lane, nic, cellOf: new Map(), free: [], used: 0, column: new Int32Array(0), generation: new Uint32Array(0) };
  }

  /** All cells of a NIC's lane, for a thread that starts (again). */
  #cellsOf(nic: Nic): CellBatch {
    const batch = new BatchBuilder(nic.device);
    // By identity: while a NIC of the same name takes over, the former one is still listed.
    const member = this.#members.find((member) => identity(member.nic) === identity(nic));
    if (member && this.#plan) {
      eachOccupant(member.nic, this.#plan, (key, address, profile) => {
        const cell = member.cellOf.get(key);
        if (cell !== undefined) batch.add(cell, member.generation[cell]!, profile, address);
      });
    }
    return batch.build();
  }

  #occupantOf(nic: Nic, cell: number): { generation: number; name: string } | undefined {
    const member = this.#members.find((member) => identity(member.nic) === identity(nic));
    const column = member?.column[cell] ?? FORGOTTEN;
    if (!member || column === FORGOTTEN) return undefined;
    const name = column < 0 ? member.nic.anchors[-column - 1]?.id : this.#plan?.targets[column]?.id;
    return { generation: member.generation[cell]!, name: name ?? '' };
  }

  #assign(member: Member, plan: Plan): void {
    const batch = new BatchBuilder(member.nic.device);
    const seen = new Uint8Array(member.used + plan.targets.length + member.nic.anchors.length);
    eachOccupant(member.nic, plan, (key, address, profile, column) => {
      const known = member.cellOf.get(key);
      const cell = known ?? member.free.pop() ?? member.used++;
      if (cell >= member.column.length) grow(member, cell + 1);
      member.column[cell] = column;
      seen[cell] = 1;
      if (known !== undefined) return;
      member.cellOf.set(key, cell);
      member.generation[cell]! += 1;
      batch.add(cell, member.generation[cell]!, profile, address);
    });
    const remove: number[] = [];
    for (const [key, cell] of member.cellOf) {
      if (seen[cell] === 1) continue;
      member.cellOf.delete(key);
      member.column[cell] = FORGOTTEN;
      member.free.push(cell);
      remove.push(cell);
    }
    member.lane.update(batch.build(), remove);
  }

  /** Everything the lanes have found since the last call. The batch is reused: read it before calling again. */
  collect(): ResultBatch {
    let batch = this.#batch;
    batch.count = 0;
    this.#members.forEach((member, nic) => {
      drain(member.lane.board, (e) => {
        const column = member.column[e.cell];
        if (column === undefined || column === FORGOTTEN || member.generation[e.cell] !== e.generation) return;
        batch = this.#batch = append(batch, nic, column, e);
      });
    });
    return batch;
  }

  /** Results lost because a ring was full, per lane in plan order. */
  dropped(): number[] {
    return this.#members.map((member) => member.lane.board.header[DROPPED]!);
  }

  #onCertificate(nic: string, cell: number, generation: number, notAfterMs: number): void {
    const member = this.#members.find((member) => member.nic.name === nic);
    if (!member || member.generation[cell] !== generation) return;
    for (const [key, at] of member.cellOf) if (at === cell) this.certificates.set(key, notAfterMs);
  }

  /** Ends all lanes. */
  async stop(): Promise<void> {
    clearInterval(this.#watch);
    await Promise.all(this.#members.map((member) => member.lane.stop()));
  }
}

/** Everything a lane probes: the targets, and the NIC's anchors. */
function eachOccupant(
  nic: Nic,
  plan: Plan,
  each: (key: string, address: Address, profile: CheckProfile, column: number) => void,
): void {
  plan.targets.forEach((t, column) => each(t.key, t.address, t.check, column));
  nic.anchors.forEach((anchor, i) => each(`anchor ${anchor.id}`, anchor.address, anchorProfiles[anchor.type], -(i + 1)));
}

/** What makes two NIC entries the same lane. */
function identity(nic: Nic): string {
  return JSON.stringify([nic.name, nic.device, nic.source]);
}

function grow(member: Member, needed: number): void {
  const capacity = Math.max(64, needed, member.column.length * 2);
  const column = new Int32Array(capacity).fill(FORGOTTEN);
  column.set(member.column);
  const generation = new Uint32Array(capacity);
  generation.set(member.generation);
  member.column = column;
  member.generation = generation;
}
