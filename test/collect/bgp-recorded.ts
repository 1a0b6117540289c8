/** A reading of both daemons at once, from recordings, for the golden exposition. */
import type { BgpData } from '../../src/collect/bgp/data.ts';
import { birdState, FRR_EDGE, frrState, Machine } from './bgp.fake.ts';

export async function recorded(): Promise<BgpData> {
  const machine = new Machine({ edge: FRR_EDGE });
  try {
    const frr = frrState('peer-admin-shutdown');
    machine.bgpd(frr);
    machine.bfdd(frr);
    machine.bird(birdState('established'));
    return await machine.data();
  } finally {
    machine.close();
  }
}
