/** `{"t":1000,"nic":"eth2","rs":"10.1.0.1:8080","outcome":"ok","rtt_us":310}` */
import type { ResultBatch, ResultFact } from '../../model/facts.ts';
import { CAUSES, OUTCOMES, PHASES } from '../../model/outcome.ts';
import type { Topology } from '../../model/topology.ts';
import type { Codec, Named } from './codec.ts';
import type { Line } from './line.ts';

const ENTRIES = ['t', 'nic', 'rs', 'anchor', 'outcome', 'phase', 'cause', 'detail', 'rtt_us', 'elapsed_us'];

function targetOf(line: Line, nic: number, { topology, realServers }: Named): number {
  if (line.has('rs') === line.has('anchor')) line.fail('it needs either rs or anchor, carrier or dataplane');
  if (line.has('rs')) return line.index(realServers, line.json['rs'], 'rs');
  const { name, anchors } = topology.nics[nic]!;
  const anchor = anchors.indexOf(String(line.json['anchor']));
  if (anchor < 0) line.fail(`anchor ${JSON.stringify(line.json['anchor'])} is none of NIC ${name} in the header`);
  return -(anchor + 1);
}

export const result: Codec<ResultFact> = {
  kind: 'result',
  mark: 'outcome',
  write({ nics, realServers }, fact) {
    const nic = nics[fact.nic]!;
    const of = fact.target < 0 ? { anchor: nic.anchors[-fact.target - 1] } : { rs: realServers[fact.target]!.id };
    return {
      t: fact.t,
      nic: nic.name,
      ...of,
      outcome: OUTCOMES[fact.outcome],
      ...(fact.cause > 0 ? { phase: PHASES[fact.phase], cause: CAUSES[fact.cause] } : {}),
      ...(fact.detail === 0 ? {} : { detail: fact.detail }),
      ...(fact.rttUs === 0 ? {} : { rtt_us: fact.rttUs }),
      ...(fact.elapsedUs === 0 ? {} : { elapsed_us: fact.elapsedUs }),
    };
  },
  read(line, names) {
    line.only(ENTRIES);
    const nic = line.index(names.nics, line.json['nic'], 'nic');
    return {
      kind: 'result',
      t: line.time('t'),
      nic,
      target: targetOf(line, nic, names),
      outcome: line.code('outcome', OUTCOMES),
      phase: line.has('phase') ? line.code('phase', PHASES) : 0,
      cause: line.has('cause') ? line.code('cause', CAUSES) : 0,
      detail: line.number('detail', -2_147_483_648, 2_147_483_647, 0),
      rttUs: line.number('rtt_us', 0, 4_294_967_295, 0),
      elapsedUs: line.number('elapsed_us', 0, 4_294_967_295, 0),
    };
  },
};

/** The line of a result of a batch. */
export function formatResult(topology: Topology, batch: ResultBatch, index: number): string {
  const { nic, target, outcome, phase, cause, detail, rttUs, elapsedUs, t } = batch;
  return JSON.stringify(
    result.write(topology, {
      kind: 'result',
      t: t[index]!,
      nic: nic[index]!,
      target: target[index]!,
      outcome: outcome[index]!,
      phase: phase[index]!,
      cause: cause[index]!,
      detail: detail[index]!,
      rttUs: rttUs[index]!,
      elapsedUs: elapsedUs[index]!,
    }),
  );
}
