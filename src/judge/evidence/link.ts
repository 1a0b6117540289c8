/** `{"t":1020,"nic":"eth2","carrier":0}` */
import type { LinkFact } from '../../model/facts.ts';
import { type Codec, OBSERVED, observed, readObserved } from './codec.ts';

export const link: Codec<LinkFact> = {
  kind: 'link',
  mark: 'carrier',
  write: (topology, fact) => ({ ...observed(topology, fact), carrier: fact.carrier }),
  read(line, names) {
    line.only([...OBSERVED, 'carrier']);
    return { kind: 'link', ...readObserved(line, names), carrier: line.bit('carrier') };
  },
};
