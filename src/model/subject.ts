/** How the subject of a verdict is named: in the log, for people, and as a key. */
import type { Subject } from './verdict.ts';

/** In the log and as a key: `nic eth2`, `rs 10.1.0.1:80`, `path eth2 → 10.1.0.1:80`, `rack r7`, `agent`. */
export function nameOf(subject: Subject): string {
  if (subject.subject === 'path') return `path ${subject.nic} → ${subject.rs}`;
  return [subject.subject, subject.nic ?? subject.rs ?? subject.rack].filter(Boolean).join(' ');
}

/** For people: `eth2`, `10.1.0.1:80`, `eth2 → 10.1.0.1:80`, `rack r7`, `this agent`. */
export function subjectText(subject: Subject): string {
  if (subject.subject === 'path') return `${subject.nic} → ${subject.rs}`;
  if (subject.subject === 'rack') return `rack ${subject.rack}`;
  return subject.nic ?? subject.rs ?? 'this agent';
}

/** Kinds of effects, in the order of docs/actuators.md. */
export const EFFECT_KINDS = ['nic', 'agent', 'service', 'slice', 'realServer', 'path'] as const;
export type EffectKind = (typeof EFFECT_KINDS)[number];

/** What an effect acts on: a NIC, this load balancer, a service, its part on a NIC, a real server of it, or that on one NIC. */
export interface EffectSubject {
  readonly kind: EffectKind;
  readonly service?: string;
  readonly nic?: string;
  readonly realServer?: string;
}

/** `NIC eth2`, `service web`, `web on eth2`, `real server 10.1.0.1:80 of web`, `10.1.0.1:80 of web through eth2`. */
export function effectText({ kind, service, nic, realServer }: EffectSubject): string {
  return {
    nic: `NIC ${nic}`,
    agent: 'this load balancer',
    service: `service ${service}`,
    slice: `${service} on ${nic}`,
    realServer: `real server ${realServer} of ${service}`,
    path: `${realServer} of ${service} through ${nic}`,
  }[kind];
}
