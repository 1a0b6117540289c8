/**
 * `{"t":1030,"nic":"eth2","dataplane":{"rx_pps":120000,"tx_pps":118000,"answered_ratio":0.97,"over_ms":1000,"on_request":1}}`;
 * the last two may be missing.
 */
import type { DataplaneFact } from '../../model/facts.ts';
import { type Codec, OBSERVED, observed, readObserved } from './codec.ts';

/** What logs before 2026-12 call `answered_ratio`. */
const OLD_RATIO = 'syn_established_ratio';

export const dataplane: Codec<DataplaneFact> = {
  kind: 'dataplane',
  mark: 'dataplane',
  write: (topology, fact) => ({
    ...observed(topology, fact),
    dataplane: {
      rx_pps: fact.rxPps,
      tx_pps: fact.txPps,
      answered_ratio: fact.answeredRatio,
      over_ms: fact.overMs,
      on_request: fact.onRequest && 1,
    },
  }),
  read(line, names) {
    line.only([...OBSERVED, 'dataplane']);
    const values = line.object('dataplane');
    const ratio = values.has(OLD_RATIO) ? OLD_RATIO : 'answered_ratio';
    values.only(['rx_pps', 'tx_pps', ratio, 'over_ms', 'on_request']);
    return {
      kind: 'dataplane',
      ...readObserved(line, names),
      rxPps: values.number('rx_pps', 0, Number.MAX_VALUE),
      txPps: values.number('tx_pps', 0, Number.MAX_VALUE),
      answeredRatio: values.number(ratio, 0, Number.MAX_VALUE),
      ...(values.has('over_ms') ? { overMs: values.number('over_ms', 0, Number.MAX_SAFE_INTEGER) } : {}),
      ...(values.has('on_request') && values.bit('on_request') === 1 ? { onRequest: true } : {}),
    };
  },
};
