/** Verdicts and actions as spans: an action is a child of the verdict that it follows. */
import type { Effect } from '../act/actuator.ts';
import type { ActionReport } from '../act/report.ts';
import { nameOf } from '../model/subject.ts';
import type { Action, Subject, Transition } from '../model/verdict.ts';
import type { Attributes } from '../otel/messages.ts';
import type { SpanIds, Tracer } from '../otel/tracer.ts';

/** Spans of verdicts that actions may still follow. */
const MOST_REMEMBERED = 4096;

export class VerdictSpans {
  readonly #tracer: Tracer;
  readonly #clock: () => number;
  /** The span of the last verdict, by what it is about and by what it asked for. */
  readonly #verdicts = new Map<string, SpanIds>();

  /** @param clock ms, the one of transitions */
  constructor(tracer: Tracer, clock: () => number) {
    this.#tracer = tracer;
    this.#clock = clock;
  }

  /** Runs `told` in the span of this verdict. */
  verdict(t: Transition, told: () => void): void {
    const { verdict, cause, previous, reason, subject, nic, rs, rack } = t;
    const { rule, witnesses } = t.evidence;
    const what = { subject, nic, real_server: rs, rack, verdict, cause, previous, rule, witnesses, reason };
    const attributes = prefixed({ ...what, actions: t.actions.length, blocked: t.blocked.length });
    this.#tracer.span(`verdict ${verdict}`, { startedAt: t.t, attributes }, ({ ids }) => {
      told();
      if (ids !== undefined) this.#remember(t, ids);
    });
  }

  /** Runs `told` in the span of this call of an actuator. */
  action({ effect, result, durationMs, failures, error }: ActionReport, told: () => void): void {
    const { kind, service, nic, realServer, state, weight, verdict, cause } = effect;
    const actuator = effect.spec.type;
    const what = { actuator, kind, service, nic, real_server: realServer, state, weight, verdict, cause, result, failures };
    const startedAt = this.#clock() - durationMs;
    this.#tracer.span(
      `action ${actuator}`,
      { startedAt, parent: this.#verdictOf(effect), attributes: prefixed(what) },
      (span) => {
        if (error !== '') span.fail(error);
        told();
      },
    );
  }

  #remember(t: Transition, ids: SpanIds): void {
    for (const key of [subjectKey(t), ...t.actions.slice(0, MOST_REMEMBERED).map(actionKey)]) {
      this.#verdicts.delete(key); // the newest ones stay last
      this.#verdicts.set(key, ids);
    }
    for (const key of this.#verdicts.keys()) {
      if (this.#verdicts.size <= MOST_REMEMBERED) break;
      this.#verdicts.delete(key);
    }
  }

  #verdictOf({ kind, service = '', nic = '', realServer = '' }: Effect): SpanIds | undefined {
    const keys: Record<Effect['kind'], readonly string[]> = {
      nic: [`nic ${nic}`],
      agent: [nameOf({ subject: 'agent' })],
      service: [],
      slice: [`nic ${nic}`],
      realServer: [`rs ${service} ${realServer}`, `rs ${realServer}`],
      path: [`path ${service} ${nic} ${realServer}`, nameOf({ subject: 'path', nic, rs: realServer })],
    };
    return keys[kind].map((key) => this.#verdicts.get(key)).find((ids) => ids !== undefined);
  }
}

/** Target ids may name a check profile after the address; effects have the address alone. */
function addressOf(rs: string): string {
  return rs.replace(/#.*/, '');
}

function subjectKey(subject: Subject): string {
  return nameOf(subject.rs === undefined ? subject : { ...subject, rs: addressOf(subject.rs) });
}

function actionKey(action: Action): string {
  if (action.action === 'set_real_server') return `rs ${action.service} ${addressOf(action.rs)}`;
  return 'service' in action ? `path ${action.service} ${action.nic} ${addressOf(action.rs)}` : `nic ${action.nic}`;
}

/** Attributes with our own prefix, without what there is not. */
function prefixed(values: Readonly<Record<string, string | number | undefined>>): Attributes {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[`fourlane.${name}`, value]])),
  );
}
