/** While the agent doubts itself, or may be about to, and just after, nothing that was inferred takes anything out. */
import { illForms } from '../fleet.ts';
import type { Limit } from './limit.ts';

export const freeze: Limit = {
  name: 'freeze',
  of: ['nic', 'server', 'path'],
  holdsBack(change, { state, settling }) {
    if (change.kind === 'nic') return settling && !change.certain;
    return !change.free && (settling || state.agent.verdict !== '' || illForms(state));
  },
};
