/** One call of an actuator, its answer in one form whatever it is. */
import type { Actuator, Call, Effect, Outcome } from './actuator.ts';
import type { ActionResult } from './counters.ts';

/** How one effect of a call ended. */
export type End = Omit<Outcome, 'result'> & { readonly result: ActionResult };

/** One end for each effect. Never rejects. */
export async function perform(actuator: Actuator, effects: [Effect, ...Effect[]], call: Call): Promise<readonly End[]> {
  try {
    const performed = await actuator.perform(effects[0].spec, effects, call);
    if (typeof performed === 'string') {
      const done = call.announce && actuator.batch ? 'announced' : 'ok';
      return effects.map(() => ({ result: performed === 'unchanged' ? performed : done }));
    }
    return effects.map((_, i) => {
      const outcome = performed[i] ?? { result: 'failed', message: `${actuator.name} gave no outcome` };
      return { ...outcome, result: outcome.result === 'done' ? 'ok' : outcome.result };
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return effects.map(() => ({ result: 'failed', message }));
  }
}
