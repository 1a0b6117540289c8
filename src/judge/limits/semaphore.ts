/** The fleet's permit for one more NIC. A lost carrier needs none, and nor does a server that is in no cluster. */
import type { Limit } from './limit.ts';

export const semaphore: Limit = {
  name: 'semaphore',
  of: ['nic'],
  holdsBack: (change, { state }) => change.kind === 'nic' && !change.certain && state.nics.permit[change.nic] === 0,
};
