/** Families of the NICs: carrier, verdict, slice, cells. */
import { counter, type Family, family, gauge, type Rows } from '../model/family.ts';
import type { Plan } from '../model/plan.ts';
import { pairsOf, VERDICT_TABLE, verdictsOf } from '../model/verdicts.ts';
import { countCells, CELL_STATES } from './state.ts';
import { isOut, type VerdictIndex } from './verdicts.ts';
import type { AgentView } from './view.ts';

/** Each pair of verdict and cause is one series of `fourlane_nic_verdict`. */
const PAIRS = pairsOf('nic');
const OUT = verdictsOf('nic').filter((name) => VERDICT_TABLE[name].of.nic?.takesOut);

export class NicFamilies {
  #plan: Plan | undefined;
  #pairs = PAIRS;
  #nic: Rows = [];
  #verdict: Rows = [];
  #cells: Rows = [];
  #port: Rows = [];

  families(view: AgentView, index: VerdictIndex): readonly Family[] {
    const plan = view.plan();
    const verdicts = plan.nics.map((nic) => index.nic.get(nic.name));
    // A pair that the table lacks gets its series when it is first seen, rather than being shown as something else.
    const odd = verdicts.find(
      (verdict) =>
        verdict !== undefined && !this.#pairs.some(([name, cause]) => name === verdict.verdict && cause === verdict.cause),
    );
    if (odd !== undefined) {
      this.#pairs = [...this.#pairs, [odd.verdict, odd.cause]];
      this.#plan = undefined;
      return this.families(view, index);
    }
    if (plan !== this.#plan) this.#remake(plan);
    const nics = view.nics();
    return [
      family(
        gauge('nic_up', `Whether the NIC is usable: 0 while it is judged ${OUT.join(' or ')}.`, ['nic']),
        this.#nic,
        verdicts.map((verdict) => Number(!isOut(verdict))),
      ),
      family(
        gauge('nic_carrier', 'Whether the link has carrier.', ['nic']),
        this.#nic,
        nics.map((nic) => (nic.carrier < 0 ? Number.NaN : nic.carrier)),
      ),
      family(
        gauge(
          'nic_port_up',
          'Whether the data-plane port behind the NIC has a link, as the judge knows it; none while it is not known.',
          ['nic', 'port'],
        ),
        this.#port,
        nics.flatMap(({ portLink = NaN }, i) => (plan.nics[i]!.dataplane === undefined ? [] : [portLink])),
      ),
      family(
        counter('nic_carrier_changes_total', 'Changes of carrier since the agent started.', ['nic']),
        this.#nic,
        nics.map((nic) => nic.carrierChanges),
      ),
      family(
        gauge('nic_verdict', 'Present verdict of the NIC: 1 for the one that holds, with its cause.', [
          'nic',
          'verdict',
          'cause',
        ]),
        this.#verdict,
        verdicts.flatMap((verdict) =>
          this.#pairs.map(([name, cause]) => Number(name === (verdict?.verdict ?? 'OK') && cause === (verdict?.cause ?? 'none'))),
        ),
      ),
      family(gauge('nic_slice_enabled', 'Whether services may use the NIC.', ['nic']), this.#nic, view.wanted().nicEnabled),
      family(
        gauge(
          'lane_cells',
          'Checks of the NIC by state: ok, link_fail (the link to the real server), service_fail (the link is good, the ' +
            'service is not), unknown.',
          ['nic', 'state'],
        ),
        this.#cells,
        plan.nics.flatMap((_, i) => Object.values(countCells(view, i))),
      ),
    ];
  }

  #remake(plan: Plan): void {
    const nics = plan.nics.map((nic) => nic.name);
    this.#plan = plan;
    this.#nic = nics.map((nic) => [nic]);
    this.#port = plan.nics.flatMap(({ name, dataplane }) => (dataplane === undefined ? [] : [[name, dataplane]]));
    this.#verdict = nics.flatMap((nic) => this.#pairs.map(([verdict, cause]) => [nic, verdict, cause]));
    this.#cells = nics.flatMap((nic) => CELL_STATES.map((state) => [nic, state]));
  }
}
