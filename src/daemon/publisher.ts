/**
 * The judge's side of what HTTP shows: a moment of the agent is copied when somebody asks for one, never more often than a small
 * share of this thread's time allows. Changes of verdicts wait here until they are asked for.
 */
import type { TransferListItem } from 'node:worker_threads';
import { type MirrorShape, mirrorShape, writeMirror } from '../judge/mirror.ts';
import { type FamilyFrame, FrameWriter } from '../metrics/frames.ts';
import type { FamilySource } from '../model/family.ts';
import type { Decisions, Transition } from '../model/verdict.ts';
import type { AgentView } from '../report/view.ts';
import type { LinkMonitor } from '../sys/link-monitor.ts';
import type { CurrentPlan } from './current-plan.ts';
import type { Standing, ToHttp } from './http-messages.ts';
import type { Loop } from './loop.ts';
import type { Pulse } from './pulse.ts';

export interface PublisherParts {
  readonly clock: () => number;
  readonly pulse: Pulse;
  readonly plans: CurrentPlan;
  readonly view: AgentView;
  readonly loop: Loop;
  readonly links: Pick<LinkMonitor, 'state'>;
  /** What only this thread knows: the families that follow from the judge's state are made by the reader. */
  readonly measured: FamilySource;
}

type Post = (message: ToHttp, transfer?: readonly TransferListItem[]) => void;

/** Share of this thread's time that copying may take. */
const SHARE = 0.02;
/** A reader waits no longer than this for that share: ms. */
const MOST_WAIT_MS = 1000;
/** Changes kept for a reader that does not ask. */
const MOST_TRANSITIONS = 2000;
/** Changes sent in one turn of the event loop. */
const PER_TURN = 100;
/** How often it is looked whether the agent has become ready, or no longer is, while the judge does not turn. */
const LOOK_MS = 100;

export class Publisher {
  readonly #p: PublisherParts;
  readonly #look: NodeJS.Timeout;
  #post: Post | undefined;
  #frames = new FrameWriter();
  #planNumber = 0;
  #shape!: MirrorShape;
  #halves: readonly SharedArrayBuffer[] = [];
  #number = 0;
  #standing: Standing | undefined;
  #transitions: Transition[] = [];
  #notBefore = 0;
  #asked: NodeJS.Timeout | undefined;

  constructor(parts: PublisherParts) {
    this.#p = parts;
    this.#allocate();
    parts.pulse.beat(parts.clock());
    // Before the start and after the end there are no passes, and the agent lives all the same.
    this.#look = setInterval(() => this.#turned(parts.view.phase() !== 'running'), LOOK_MS);
  }

  /** A reader, which has nothing yet; whoever read before is forgotten. */
  connect(post: Post): void {
    clearTimeout(this.#asked);
    this.#post = post;
    this.#frames = new FrameWriter();
    this.#transitions = [...this.#p.view.history.since(Number.NEGATIVE_INFINITY)];
    this.#standing = undefined;
    this.#sendPlan();
    this.#turned(false);
  }

  /** The loop follows the current plan from now on. */
  follow(): void {
    this.#planNumber++;
    this.#allocate();
    this.#sendPlan();
    this.#p.pulse.change();
  }

  /** The judge has turned. */
  passed(): void {
    this.#turned(true);
  }

  decided({ transitions }: Decisions): void {
    this.#p.pulse.change();
    this.#transitions.push(...transitions);
    if (this.#transitions.length > MOST_TRANSITIONS) this.#transitions = this.#transitions.slice(-MOST_TRANSITIONS);
  }

  /** The reader wants a moment. @param half not being read */
  ask(half: number): void {
    clearTimeout(this.#asked);
    const wait = this.#notBefore - this.#p.clock();
    if (wait <= 0) this.#publish(half);
    else this.#asked = setTimeout(() => this.#publish(half), Math.ceil(wait));
  }

  stop(): void {
    clearInterval(this.#look);
    clearTimeout(this.#asked);
    this.#post = undefined;
  }

  #turned(beats: boolean): void {
    const { pulse, clock, view } = this.#p;
    if (beats) pulse.beat(clock());
    const standing = { phase: view.phase(), ...view.ready() };
    const known = this.#standing;
    if (known?.phase === standing.phase && known.reason === standing.reason && known.ready === standing.ready) return;
    this.#standing = standing;
    pulse.change();
    this.#post?.({ type: 'standing', standing });
  }

  #allocate(): void {
    this.#shape = mirrorShape(this.#p.loop.state);
    this.#halves = [0, 1].map(() => new SharedArrayBuffer(this.#shape.bytes));
  }

  #sendPlan(): void {
    this.#post?.({ type: 'plan', number: this.#planNumber, plan: this.#p.plans.bytes, shape: this.#shape, halves: this.#halves });
  }

  #publish(half: number): void {
    this.#asked = undefined;
    const batch = this.#transitions.splice(0, PER_TURN);
    if (batch.length > 0) this.#post?.({ type: 'transitions', transitions: batch });
    if (this.#transitions.length > 0) {
      this.#asked = setTimeout(() => this.#publish(half), 0);
      return;
    }
    const { clock, pulse, view, loop, links, measured } = this.#p;
    const t = clock();
    // Processor time: on a busy machine most of the time that passes is somebody else's.
    const before = process.threadCpuUsage();
    const changes = pulse.changes;
    const scalars = writeMirror(loop.state, this.#halves[half]!);
    const { families, defect } = this.#measure(measured);
    const { rows, values } = view.history.changes;
    const last = view.lastReload();
    const moment = {
      number: ++this.#number,
      plan: this.#planNumber,
      half,
      scalars,
      t,
      wallOffsetMs: view.wallOffsetMs(),
      changes,
      phase: view.phase(),
      ...view.ready(),
      lastReload: { ok: last.ok, message: last.message, t: last.t },
      release: view.release(),
      nics: view.plan().nics.map((nic) => {
        const { carrier, changes: carrierChanges } = links.state(nic.device);
        return { carrier, carrierChanges };
      }),
      collectors: view.collectors(),
      findings: view.findings(),
      pending: view.pending(),
      verdictChanges: { rows, values },
      blocked: { rows: view.history.blocked.rows, values: view.history.blocked.values },
      families,
      defect,
    };
    const buffers = families.map(({ values: numbers }) => numbers.buffer as ArrayBuffer);
    this.#post?.({ type: 'moment', moment }, buffers);
    const { user, system } = process.threadCpuUsage(before);
    const spentMs = (user + system) / 1000;
    this.#notBefore = clock() + Math.min(spentMs / SHARE, MOST_WAIT_MS);
  }

  /** A family that throws is a bug that costs a scrape, and nothing else. */
  #measure(measured: FamilySource): { readonly families: readonly FamilyFrame[]; readonly defect: string } {
    try {
      return { families: this.#frames.take(measured.families()), defect: '' };
    } catch (error) {
      this.#frames.forget(); // a frame without families makes the reader forget their rows
      return { families: [], defect: String(error) };
    }
  }
}
