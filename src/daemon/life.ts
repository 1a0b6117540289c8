/** Where the agent is in its life: set by `Agent`, read by whoever shows it. */
import type { Phase } from '../report/view.ts';

export class Life {
  phase: Phase = 'starting';
}
