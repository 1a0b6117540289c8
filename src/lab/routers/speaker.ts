/** What a routing daemon of the lab is to do, whichever program it is. */

export type Program = 'bird' | 'frr';

/** Which programs the lab's routers run. */
export const ROUTERS = ['bird', 'frr', 'mixed'] as const;
export type Routers = (typeof ROUTERS)[number];

/** The program of the k-th daemon, from 0. */
export function programOf(routers: Routers, k: number): Program {
  if (routers !== 'mixed') return routers;
  return k % 2 === 0 ? 'frr' : 'bird';
}

/** The other end of a session. */
export interface Peer {
  /** Letters, digits and `_`. */
  readonly name: string;
  readonly address: string;
  readonly as: number;
}

interface Speaker<P extends Peer> {
  /** Router id, as an address. */
  readonly id: string;
  readonly as: number;
  readonly peers: readonly P[];
  /** Interfaces of the sessions, as patterns of BIRD. */
  readonly devices: readonly string[];
}

/** A load balancer: announces what the configuration that fourlane prints for it lets out, and learns its default route. */
export interface BalancerSpeaker extends Speaker<Peer> {
  /** `fourlane plan snat --for …`. */
  readonly printed: string;
}

/** A router's peer. */
export interface RouterPeer extends Peer {
  /** A load balancer gets a default route, a router behind this one all that was learned, one before it nothing. */
  readonly gets: 'default' | 'learned' | 'nothing';
  /** It calls, and this router waits for it. */
  readonly calls: boolean;
}

/** A router: takes what it is told, several equal ways at a time. */
export type RouterSpeaker = Speaker<RouterPeer>;
