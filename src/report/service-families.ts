/** Families of the services and of their real servers. */
import { type Family, family, gauge, type Rows } from '../model/family.ts';
import { baseWeight, isDown } from '../model/combined.ts';
import type { Plan } from '../model/plan.ts';
import { Holding } from '../metrics/holding.ts';
import { downTargets, STANDINGS, standing, targetIndex } from './state.ts';
import { memberVerdict, sliceEnabled, type VerdictIndex } from './verdicts.ts';
import type { AgentView } from './view.ts';

/** Rows that depend on the plan alone. */
interface PlanRows {
  readonly service: Rows;
  readonly state: Rows;
  readonly slices: Rows;
  readonly members: Rows;
  readonly weights: Rows;
  readonly racks: Rows;
}

function planRows(plan: Plan): PlanRows {
  const members = plan.services.flatMap((service) =>
    service.realServers.map((server) => ({ service: service.name, target: plan.targets[server.target]! })),
  );
  const racks = [...new Set(plan.targets.map((t) => t.rack).filter((r) => r !== undefined))];
  return {
    service: plan.services.map((service) => [service.name]),
    state: plan.services.flatMap((service) => STANDINGS.map((state) => [service.name, state])),
    slices: plan.services.flatMap((service) => service.nics.map((nic) => [service.name, plan.nics[nic]!.name])),
    members: members.map((member) => [member.service, member.target.realServer, member.target.rack ?? '']),
    weights: members.flatMap((member) =>
      ['configured', 'wanted'].map((kind) => [member.service, member.target.realServer, kind]),
    ),
    racks: racks.map((rack) => [rack]),
  };
}

export class ServiceFamilies {
  #plan: Plan | undefined;
  #rows!: PlanRows;
  readonly #verdicts = new Holding();
  readonly #paths = new Holding();

  families(view: AgentView, index: VerdictIndex): readonly Family[] {
    const plan = view.plan();
    if (plan !== this.#plan) {
      this.#rows = planRows(plan);
      this.#plan = plan;
    }
    const down = downTargets(targetIndex(plan), index);
    return [...this.#services(view, plan, down), ...this.#realServers(view, plan, down), ...this.#faults(plan, index)];
  }

  #services(view: AgentView, plan: Plan, down: Uint8Array): Family[] {
    const rows = this.#rows;
    const wanted = view.wanted();
    const slices = plan.services.map((service, i) => service.nics.map((_, k) => Number(sliceEnabled(plan, wanted, i, k))));
    const states = plan.services.map((service, i) => {
      const count = { up: 0, down: 0, held: 0 };
      for (let r = 0; r < service.realServers.length; r++)
        count[standing(isDown(down, service.realServers[r]!, service.combine), wanted.weight[i]?.[r] ?? 0)]++;
      return count;
    });
    return [
      family(
        gauge('service_up', 'Whether some real server of the service is up and some slice of it is enabled.', ['service']),
        rows.service,
        states.map((count, i) => Number(count.up > 0 && slices[i]!.includes(1))),
      ),
      family(
        gauge(
          'service_real_servers',
          'Real servers by state: up, down (judged down, out of service), held (judged down, kept in service by panic or a ' +
            'limit).',
          ['service', 'state'],
        ),
        rows.state,
        states.flatMap((count) => STANDINGS.map((s) => count[s])),
      ),
      family(
        gauge('service_panic', 'Whether panic keeps real servers in service that are judged down.', ['service']),
        rows.service,
        wanted.panic,
      ),
      family(
        gauge('service_slice_enabled', 'Whether the service is served through the NIC.', ['service', 'nic']),
        rows.slices,
        slices.flat(),
      ),
    ];
  }

  #realServers(view: AgentView, plan: Plan, down: Uint8Array): Family[] {
    const rows = this.#rows;
    const { weight, dynamic } = view.wanted();
    const up = new Uint8Array(rows.members.length);
    const weights = new Float64Array(rows.weights.length);
    let at = 0;
    for (const [i, service] of plan.services.entries()) {
      for (const [r, m] of service.realServers.entries()) {
        up[at] = isDown(down, m, service.combine) ? 0 : 1;
        weights[2 * at] = m.weight;
        // Fractions are kept as 32-bit floats; without rounding 0.1 would show as 0.10000000149.
        weights[2 * at + 1] = Math.round(baseWeight(m, dynamic) * (weight[i]?.[r] ?? 0) * 1e4) / 1e4;
        at++;
      }
    }
    return [
      family(
        gauge('real_server_up', 'Whether the real server is not judged down.', ['service', 'real_server', 'rack']),
        rows.members,
        up,
      ),
      family(
        gauge(
          'real_server_weight',
          'Weight of the real server: configured, and wanted after checks that say a weight, verdicts, slow start and limits.',
          ['service', 'real_server', 'kind'],
        ),
        rows.weights,
        weights,
      ),
    ];
  }

  #faults(plan: Plan, index: VerdictIndex): Family[] {
    const rows = this.#rows;
    const verdicts: string[][] = [];
    if (index.rs.size > 0) {
      for (const service of plan.services) {
        for (const member of service.realServers) {
          const { realServer, rack } = plan.targets[member.target]!;
          const v = memberVerdict(plan, index, member, service.combine);
          if (v !== undefined) verdicts.push([service.name, realServer, rack ?? '', v.verdict, v.cause]);
        }
      }
    }
    const present = this.#verdicts.set(verdicts);
    const paths = this.#paths.set(index.paths.map((path) => [path.nic!, path.rs!, path.cause]));
    return [
      family(
        gauge('real_server_verdict', 'Present verdict of the real server; no series while it is OK.', [
          'service',
          'real_server',
          'rack',
          'verdict',
          'cause',
        ]),
        present.rows,
        present.values,
      ),
      family(
        gauge('path_fault', 'A real server that fails through this NIC only; no series while there is none.', [
          'nic',
          'real_server',
          'cause',
        ]),
        paths.rows,
        paths.values,
      ),
      family(
        gauge('rack_fault', 'Whether the rack is judged failed as a whole.', ['rack']),
        rows.racks,
        rows.racks.map(([r]) => Number(index.rack.has(r!))),
      ),
    ];
  }
}
