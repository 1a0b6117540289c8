/**
 * Families that follow from the plan and from what the judge says. Rows keep their identity, so that a scrape only formats
 * numbers.
 */
import { counter, type Family, family, type FamilySource, gauge, ONE_ROW, type Rows } from '../model/family.ts';
import { NicFamilies } from './nic-families.ts';
import { ServiceFamilies } from './service-families.ts';
import { AGENT_STATES, agentState } from './state.ts';
import { indexVerdicts } from './verdicts.ts';
import type { AgentView } from './view.ts';

const STATES: Rows = AGENT_STATES.map((s) => [s]);

export class JudgeFamilies implements FamilySource {
  readonly #view: AgentView;
  readonly #build: Rows;
  readonly #nics = new NicFamilies();
  readonly #services = new ServiceFamilies();

  constructor(view: AgentView) {
    this.#view = view;
    this.#build = [[view.version, process.version]];
  }

  families(): readonly Family[] {
    const index = indexVerdicts(this.#view.verdicts());
    return [...this.#nics.families(this.#view, index), ...this.#services.families(this.#view, index), ...this.#agent()];
  }

  #agent(): Family[] {
    const view = this.#view;
    const { changes, blocked } = view.history;
    const state = agentState(view);
    const reload = view.lastReload();
    const reloadedAt = Math.round(reload.t + view.wallOffsetMs()) / 1000;
    return [
      family(
        gauge('agent_state', 'What the agent does: 1 for the present state.', ['state']),
        STATES,
        AGENT_STATES.map((s) => Number(s === state)),
      ),
      family(counter('verdict_changes_total', 'Changes to this verdict.', ['subject', 'verdict']), changes.rows, changes.values),
      family(
        counter('governor_blocked_total', 'Actions held back, by the limit that held them.', ['rule']),
        blocked.rows,
        blocked.values,
      ),
      family(gauge('config_last_reload_successful', 'Whether the last load of the config file succeeded.'), ONE_ROW, [
        Number(reload.ok),
      ]),
      family(gauge('config_last_reload_timestamp_seconds', 'When the config file was last loaded or refused.'), ONE_ROW, [
        reloadedAt,
      ]),
      family(
        gauge('build_info', 'Version of the agent and of its runtime; always 1.', ['version', 'node_version']),
        this.#build,
        [1],
      ),
    ];
  }
}
