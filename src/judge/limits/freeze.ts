/** While the agent doubts itself, and just after, nothing that was inferred takes anything out. */
import type { Limit } from './limit.ts';

export const freeze: Limit = {
  name: 'freeze',
  of: ['nic', 'server', 'path'],
  holdsBack(change, { state, settling }) {
    if (change.kind === 'nic') return settling && !change.certain;
    return !change.free && (settling || state.agent.verdict !== '');
  },
};
