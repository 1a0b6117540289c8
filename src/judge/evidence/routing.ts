/** `{"t":1040,"nic":"eth2","routing":{"session":1,"bfd":0}}`; `bfd` may be missing. */
import type { RoutingFact } from '../../model/facts.ts';
import { type Codec, OBSERVED, observed, readObserved } from './codec.ts';

export const routing: Codec<RoutingFact> = {
  kind: 'routing',
  mark: 'routing',
  write: (topology, fact) => ({ ...observed(topology, fact), routing: { session: fact.session, bfd: fact.bfd } }),
  read(line, names) {
    line.only([...OBSERVED, 'routing']);
    const values = line.object('routing');
    values.only(['session', 'bfd']);
    return {
      kind: 'routing',
      ...readObserved(line, names),
      session: values.bit('session'),
      ...(values.has('bfd') ? { bfd: values.bit('bfd') } : {}),
    };
  },
};
