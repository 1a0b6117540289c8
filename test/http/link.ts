/** A view as the HTTP door has it: each refresh shows another moment. */
import type { AgentLink } from '../../src/http/agent.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/http/server.ts';
import { Registry } from '../../src/metrics/registry.ts';
import type { FamilySource } from '../../src/model/family.ts';
import { JudgeFamilies } from '../../src/report/families.ts';
import type { AgentView } from '../../src/report/view.ts';

/** Serves it on the address of its plan. */
export function serve(agent: AgentLink, options?: ServerOptions): Promise<RunningServer> {
  return startServer(agent, agent.view.plan().listen, options);
}

/** `sources`: series besides those that follow from the view. */
export function linkTo(view: AgentView, over: Partial<AgentLink> = {}, ...sources: readonly FamilySource[]): AgentLink {
  const metrics = new Registry();
  metrics.add(new JudgeFamilies(view), ...sources);
  let moment = 0;
  const reload = async () => ({ ok: true, message: 'nothing changed' });
  return { view, metrics, refresh: async () => ++moment, silentMs: () => 0, reload, ...over };
}
