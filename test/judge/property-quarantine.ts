/** A real server whose cells are in quarantine changes nothing for the others. */
import { initial, type JudgeState, judge } from '../../src/judge/judge.ts';
import { newBatch } from '../../src/model/facts.ts';
import { LOCAL_ERROR, QUARANTINED } from '../../src/model/outcome.ts';
import type { Topology } from '../../src/model/topology.ts';
import type { Decisions } from '../../src/model/verdict.ts';
import { type Check, pass } from './check.ts';
import { fill, type PassFacts, type Sequence } from './sequences.ts';
import type { Broken } from './witness.ts';
import { say } from './world.ts';

const batch = newBatch(256);

/**
 * Two more judges beside the sequence: one without the held real server, one with it. Among fewer than three real servers one
 * more makes a difference whatever it does (R10), and so it does for the adaptive fall, which counts cells.
 */
export class Quarantined implements Check {
  readonly #held: number;
  readonly #nics: number;
  #without: JudgeState;
  #with: JudgeState;

  constructor({ topology }: Sequence) {
    const base: Topology = { ...topology, rules: { ...topology.rules, fall_adaptive_max: 1 } };
    this.#held = topology.realServers.length;
    this.#nics = topology.nics.length;
    this.#without = initial(base, 0);
    this.#with = initial(
      {
        ...base,
        realServers: [...base.realServers, { id: 'held', key: 'held' }],
        services: [...base.services, { name: 'own', nics: [0], realServers: [this.#held], panic: 0 }],
      },
      0,
    );
  }

  after(k: number, p: PassFacts): Broken | undefined {
    if (this.#held < 3) return undefined;
    const { state, decisions } = pass(this.#without, p);
    this.#without = state;
    const wanted = summary(decisions);
    const results = fill(batch, [
      ...p.results,
      ...Array.from({ length: this.#nics }, (_, nic) => [nic, this.#held, LOCAL_ERROR, p.now] as const),
    ]);
    for (let i = 0; i < results.count; i++) results.cause[i] = results.target[i] === this.#held ? QUARANTINED : 0;
    const other = judge(this.#with, { results, observations: p.observations }, p.now);
    this.#with = other.state;
    const found = summary(other.decisions);
    return wanted === found ? undefined : { property: 'quarantine', message: `pass ${k}: ${wanted} became ${found}` };
  }
}

/** What was said and done, less the held real server's own weight. */
function summary({ transitions, actions, blocked }: Decisions): string {
  const held = JSON.stringify([actions, blocked.map(({ action, rule }) => [action, rule])]);
  return `${transitions.map(say).join(' ')} ${held}`;
}
