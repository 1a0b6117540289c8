/**
 * IPv6 real servers, which dpvs-agent shows without address: their state is read from DPVS's control socket, and they are written
 * with PUT …/rs, since PUT …/rs/health drops them. Pure but for the reading.
 */
import { parseAddress } from '../../model/address.ts';
import type { LiveRealServers } from '../../model/live-real-server.ts';
import type { Asked } from './apply.ts';
import type { View } from './client.ts';
import type { AgentRealServer, AgentService } from './codec.ts';

/** Both views of a service; `named`: whether real servers without address were found by DPVS itself. */
export interface Whole extends View {
  readonly named: 'all' | 'none' | 'unread';
}

/** How dpvs-agent names what DPVS calls by its flags. */
const MODES: Readonly<Record<string, string>> = { NAT: 'NAT', FullNAT: 'FNAT', SNAT: 'SNAT', DR: 'DR', tunnel: 'TUNNEL' };

/** Whether a real server may be one of those that the agent shows without address. */
export function isNameless(service: AgentService, name: string): boolean {
  return name.startsWith('[') && service.nameless.has(Number(name.slice(name.lastIndexOf(':') + 1)));
}

/** The view with those of the real servers asked for that have no address in it. @param look absent: nobody reads them */
export async function withNameless(
  view: View,
  asked: readonly Asked[],
  look: (() => Promise<LiveRealServers>) | undefined,
): Promise<Whole> {
  const missing = asked.filter(({ effect }) => isNameless(view.live, effect.realServer ?? ''));
  if (missing.length === 0) return { ...view, named: 'all' };
  if (look === undefined) return { ...view, named: 'none' };
  const found = await look();
  if (found === undefined) return { ...view, named: 'unread' };
  const live = new Map(view.live.realServers);
  const cached = new Map(view.cached.realServers);
  for (const one of missing) {
    const name = one.effect.realServer!;
    const state = found.get(name);
    const address = parseAddress(name.slice(1, name.lastIndexOf(']')), true);
    if (state === undefined || address === undefined) continue;
    const port = Number(name.slice(name.lastIndexOf(':') + 1));
    const mode = MODES[state.forward];
    const { weight, inhibited } = state;
    const seen: AgentRealServer = { ip: address.ip, port, weight, inhibited, mode };
    live.set(name, seen);
    if (isNameless(view.cached, name)) cached.set(name, { ...seen, weight: ownersWeight(view.cached, one, seen) });
  }
  return { cached: { ...view.cached, realServers: cached }, live: { ...view.live, realServers: live }, named: 'all' };
}

/**
 * The weight that its owner has configured: the agent's, where only one real server has this port; else what is noted of it, what
 * DPVS has, or after a lost note what fourlane is configured with.
 */
function ownersWeight({ nameless }: AgentService, { effect, note }: Asked, { port, weight }: AgentRealServer): number {
  const [only, ...others] = nameless.get(port) ?? [];
  if (only !== undefined && others.length === 0) return only;
  if (note.by === 'fourlane') return note.owner;
  return note.by === 'unknown' ? (effect.configured ?? weight) : weight;
}
