/** A view as the HTTP door has it: each refresh shows another moment. */
import type { AgentLink } from '../../src/http/agent.ts';
import { Registry } from '../../src/metrics/registry.ts';
import type { FamilySource } from '../../src/model/family.ts';
import { JudgeFamilies } from '../../src/report/families.ts';
import type { AgentView } from '../../src/report/view.ts';

/** `sources`: series besides those that follow from the view. */
export function linkTo(view: AgentView, over: Partial<AgentLink> = {}, ...sources: readonly FamilySource[]): AgentLink {
  const metrics = new Registry();
  metrics.add(new JudgeFamilies(view), ...sources);
  let moment = 0;
  const reload = async () => ({ ok: true, message: 'nothing changed' });
  return { view, metrics, refresh: async () => ++moment, reload, ...over };
}
