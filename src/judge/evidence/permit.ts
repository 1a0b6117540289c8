/** `{"t":1040,"nic":"eth2","permit":0}` */
import type { PermitFact } from '../../model/facts.ts';
import { type Codec, OBSERVED, observed, readObserved } from './codec.ts';

export const permit: Codec<PermitFact> = {
  kind: 'permit',
  mark: 'permit',
  write: (topology, fact) => ({ ...observed(topology, fact), permit: fact.granted }),
  read(line, names) {
    line.only([...OBSERVED, 'permit']);
    return { kind: 'permit', ...readObserved(line, names), granted: line.bit('permit') };
  },
};
