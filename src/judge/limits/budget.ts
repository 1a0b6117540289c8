/** Not too many real servers at once: per service, and for the agent as a whole. */
import { remaining } from '../governor-state.ts';
import { EPSILON, type Limit } from './limit.ts';

export const serviceBudget: Limit = {
  name: 'budget_service',
  of: ['server', 'path'],
  holdsBack(change, { state: { rules, topology }, governor, now }) {
    if (change.kind === 'nic' || change.free) return false;
    const size = topology.services[change.service]!.realServers.length;
    const budget = Math.max(1, Math.floor(rules.budget_fraction * size + EPSILON));
    return remaining(governor.spentService[change.service]!, budget, now, rules.budget_window_ms) < change.cost - EPSILON;
  },
};

export const agentBudget: Limit = {
  name: 'budget_agent',
  of: ['server', 'path'],
  holdsBack(change, { state: { rules }, governor, now, charged }) {
    if (change.kind === 'nic' || change.free || charged.has(change.subject)) return false;
    const left = remaining(governor.spentAgent, rules.budget_real_servers, now, rules.budget_window_ms);
    return left < change.agentCost - EPSILON;
  },
};
