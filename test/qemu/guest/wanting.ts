/** Asks the ipvs actuator for weights, and keeps its notes, as the reconciler does. */
import type { Effect, Note, Outcome } from '../../../src/act/actuator.ts';
import { ipvs } from '../../../src/act/ipvs.ts';

export class Wanting {
  readonly #vip: string;
  readonly #spec: Effect['spec'];
  readonly #notes = new Map<string, Note>();

  constructor(vip: string, settings: Record<string, unknown> = {}) {
    this.#vip = vip;
    this.#spec = { type: 'ipvs', ...ipvs.schema.parse({ timeout: '20s', ...settings }) };
  }

  /** Wants part of the configured weight of 100; 100 is the rest state. @returns how it ended */
  async weight(realServer: string, weight: number): Promise<Outcome> {
    const effect: Effect = {
      key: realServer,
      spec: this.#spec,
      kind: 'realServer',
      cluster: 'c',
      server: 's',
      service: 'web',
      vip: this.#vip,
      realServer,
      state: weight > 0 ? 'enabled' : 'disabled',
      weight,
      configured: 100,
      verdict: 'RS_DOWN',
      cause: 'refused',
      reason: 'test',
    };
    const note = this.#notes.get(realServer) ?? { kind: 'untouched' };
    const ended = await ipvs.perform(this.#spec, [effect], { announce: false, notes: [note] });
    const outcome = (ended as readonly Outcome[])[0]!;
    if (outcome.note) this.#notes.set(realServer, outcome.note);
    return outcome;
  }

  /** Takes it out of service. */
  out(realServer: string): Promise<Outcome> {
    return this.weight(realServer, 0);
  }

  /** Puts it back. */
  back(realServer: string): Promise<Outcome> {
    return this.weight(realServer, 100);
  }
}
