/** What is wanted of an effect, as one text. Apart from the actuators, which readers have no use for. */
import type { Effect } from './actuator.ts';

/** Value by which wanted and applied are compared. */
export function valueOf(effect: Effect): string {
  if (effect.sorry === true) return `${effect.state} sorry`;
  return effect.weight === undefined ? effect.state : `${effect.state} ${effect.weight}`;
}
