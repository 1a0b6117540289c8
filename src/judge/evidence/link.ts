/** `{"t":1020,"nic":"eth2","carrier":0}`, with a data-plane port `{…,"carrier":0,"port":0,"kernel":1}` */
import type { LinkFact } from '../../model/facts.ts';
import { type Codec, OBSERVED, observed, readObserved } from './codec.ts';

export const link: Codec<LinkFact> = {
  kind: 'link',
  mark: 'carrier',
  write: (topology, fact) => ({ ...observed(topology, fact), carrier: fact.carrier, port: fact.port, kernel: fact.kernel }),
  read(line, names) {
    line.only([...OBSERVED, 'carrier', 'port', 'kernel']);
    const sides = {
      ...(line.has('port') ? { port: line.bit('port') } : {}),
      ...(line.has('kernel') ? { kernel: line.bit('kernel') } : {}),
    };
    return { kind: 'link', ...readObserved(line, names), carrier: line.bit('carrier'), ...sides };
  },
};
