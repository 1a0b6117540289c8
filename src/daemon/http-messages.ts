/** What the judge's thread and the thread that serves HTTP say to each other. */
import type { MirrorScalars, MirrorShape } from '../judge/mirror.ts';
import type { Attempt } from '../http/guesses.ts';
import type { Door } from '../http/routes.ts';
import type { ServerLimits } from '../http/server.ts';
import type { FamilyFrame } from '../metrics/frames.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { Transition } from '../model/verdict.ts';
import type {
  AgentView,
  CollectorView,
  CountsView,
  FleetAnswer,
  NicView,
  Phase,
  ReleaseView,
  ReloadResult,
  ShadowAnswer,
} from '../report/view.ts';

export interface HttpInit {
  readonly version: string;
  /** Monotonic ms. */
  readonly startedAt: number;
  /** Of the class `Pulse`. */
  readonly pulse: SharedArrayBuffer;
  readonly host: string;
  readonly port: number;
  /** Path of the control socket; undefined: none. */
  readonly control?: string;
  /** Names of the agent in a Host header. */
  readonly names: readonly string[];
  readonly chaos: boolean;
  readonly limits: ServerLimits;
}

export interface Standing {
  readonly phase: Phase;
  readonly ready: boolean;
  readonly reason: string;
}

/** The agent at one moment. */
export interface Moment extends Standing {
  readonly number: number;
  /** Number of the plan it is of. */
  readonly plan: number;
  /** Which of that plan's buffers the judge's state was copied to, and what else belongs to the copy. */
  readonly half: number;
  readonly scalars: MirrorScalars;
  /** Monotonic ms, and what turns it into a Unix ms. */
  readonly t: number;
  readonly wallOffsetMs: number;
  /** Changes of `Pulse` that it shows. */
  readonly changes: number;
  readonly lastReload: Pick<ReloadResult, 'ok' | 'message'> & { readonly t: number };
  readonly release: ReleaseView | undefined;
  readonly nics: readonly Omit<NicView, 'loss' | 'portLink'>[];
  readonly collectors: readonly CollectorView[];
  readonly findings: ReturnType<AgentView['findings']>;
  readonly pending: ReturnType<AgentView['pending']>;
  readonly verdictChanges: CountsView;
  readonly blocked: CountsView;
  /** What only the judge's thread knows. */
  readonly families: readonly FamilyFrame[];
  /** Why there are no families; '' when there are. */
  readonly defect: string;
}

export type ToHttp =
  /** A plan, from the next moment on. `halves`: buffers for `mirror.ts`. */
  | {
      readonly type: 'plan';
      readonly number: number;
      readonly plan: SharedArrayBuffer;
      readonly shape: MirrorShape;
      readonly halves: readonly SharedArrayBuffer[];
    }
  | { readonly type: 'standing'; readonly standing: Standing }
  | { readonly type: 'transitions'; readonly transitions: readonly Transition[] }
  | { readonly type: 'moment'; readonly moment: Moment }
  | { readonly type: 'answer'; readonly id: number; readonly answer: CallAnswer }
  | { readonly type: 'stop' };

/** What HTTP may ask the agent to do. */
export type Call =
  | { readonly do: 'reload'; readonly by: string }
  | { readonly do: 'shadow' }
  | { readonly do: 'fleet' }
  | { readonly do: 'chaos'; readonly nic: string };
export type CallAnswer = ReloadResult | ShadowAnswer | FleetAnswer | undefined | boolean;

export type FromHttp =
  /** It listens there; `port` 0: on the control socket. */
  | { readonly type: 'listening'; readonly door: Door; readonly port: number }
  /** It can't listen there now, and goes on trying. */
  | { readonly type: 'refused'; readonly door: Door; readonly code: ErrorCode; readonly message: string }
  | ({ readonly type: 'guessed' } & Attempt)
  /** A moment is wanted; this half is not being read. */
  | { readonly type: 'ask'; readonly half: number }
  | { readonly type: 'call'; readonly id: number; readonly call: Call }
  /** A standing was taken: answers show it from now on. */
  | { readonly type: 'shown'; readonly phase: Phase }
  | { readonly type: 'problem'; readonly message: string };
