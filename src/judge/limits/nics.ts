/** A NIC is always left, and at most a share of them goes. */
import type { Limit, Pass } from './limit.ts';

const enabledNics = ({ governor }: Pass) => governor.wanted.nicEnabled.reduce((count, on) => count + on, 0);

export const lastNic: Limit = {
  name: 'last_nic',
  of: ['nic'],
  holdsBack: (_, pass) => enabledNics(pass) <= 1,
};

export const halfNics: Limit = {
  name: 'half_nics',
  of: ['nic'],
  holdsBack(_, pass) {
    const count = pass.governor.wanted.nicEnabled.length;
    const most = Math.floor(pass.state.rules.max_nics_fraction * count);
    return count - enabledNics(pass) + 1 > most;
  },
};
