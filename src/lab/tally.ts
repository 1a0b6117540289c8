/** Counts client requests by span of time. Pure. */

/** Requests of one service in a span of time. `pending` are not answered yet. */
export interface Tally {
  sent: number;
  ok: number;
  failed: number;
  pending: number;
  errors: Record<string, number>;
}

export type Requests = Readonly<Record<string, Tally>>;

/** Requests before, during and after a fault. */
export interface Phases {
  readonly before: Requests;
  readonly during: Requests;
  readonly after: Requests;
}

/** One request; times in ms of `now()`. */
export interface Sent {
  readonly service: string;
  readonly began: number;
  /** What came of it: '' when answered, else the error; undefined while under way. */
  outcome?: { readonly at: number; readonly error: string };
}

/**
 * Which requests a span counts: those that began in it, those that also ended in it, or those that were under way at any time of
 * it. A request that a fault meets under way is the fault's, not that of the peace before: `whole` there, `underWay` here.
 */
export type Counted = 'begun' | 'whole' | 'underWay';

const counts: Readonly<Record<Counted, (began: number, ended: number, since: number, until: number) => boolean>> = {
  begun: (began, _ended, since, until) => began >= since && began < until,
  whole: (began, ended, since, until) => began >= since && ended < until,
  underWay: (began, ended, since, until) => ended >= since && began < until,
};

/** Since when, until when, and which. */
export type Span = readonly [since: number, until: number, counted: Counted];

/**
 * The spans of a fault that struck at `struck` and was over at `over`, seen from `began` to `ended`. A request that begins in
 * that time is of one of them, wherever the borders are.
 */
export function phaseSpans(began: number, struck: number, over: number, ended: number): Record<keyof Phases, Span> {
  return { before: [began, struck, 'whole'], during: [struck, over, 'underWay'], after: [over, ended, 'begun'] };
}

/** Tallies of the named services over [since, until). */
export function tally(
  log: readonly Sent[],
  services: readonly string[],
  since: number,
  until: number,
  counted: Counted = 'begun',
): Requests {
  const out: Record<string, Tally> = {};
  for (const name of services) out[name] = { sent: 0, ok: 0, failed: 0, pending: 0, errors: {} };
  for (const { service, began, outcome } of log) {
    if (!counts[counted](began, outcome?.at ?? Number.POSITIVE_INFINITY, since, until)) continue;
    const sum = out[service]!;
    sum.sent++;
    if (outcome === undefined) sum.pending++;
    else if (outcome.error === '') sum.ok++;
    else {
      sum.failed++;
      sum.errors[outcome.error] = (sum.errors[outcome.error] ?? 0) + 1;
    }
  }
  return out;
}
