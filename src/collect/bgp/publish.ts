/** What was read of routing daemons as samples. Pure. */
import type { Samples } from '../collector.ts';
import { type BgpData } from './data.ts';
import { type Daemon, type Session, SESSION_STATES } from '../../routing/session.ts';
import * as m from './metrics.ts';

/** How long the reason of a reset is shown: s. */
const RESET_SHOWN = 3600;

function publishSession(daemon: Daemon, session: Session, samples: Samples): void {
  const { vrf, peer, nic = '', state, families, uptime, drops, reset } = session;
  const labels = [daemon, vrf, peer, nic];
  for (const one of SESSION_STATES) samples.gauge(m.SESSION_STATE, [...labels, one], Number(one === state));
  for (const { family, up, received, announced } of families) {
    samples.gauge(m.SESSION_UP, [...labels, family], Number(up));
    samples.gauge(m.PREFIXES, [...labels, family, 'received'], received);
    samples.gauge(m.PREFIXES, [...labels, family, 'announced'], announced);
  }
  if (uptime !== undefined) samples.gauge(m.SESSION_UPTIME, labels, uptime);
  if (drops !== undefined) samples.counter(m.SESSION_FLAPS, labels, drops);
  if (reset !== undefined && (reset.ago ?? 0) < RESET_SHOWN)
    samples.gauge(m.SESSION_RESET, [...labels, reset.code, reset.reason], 1);
}

export function publishBgp({ up, down, planned, unplanned }: BgpData, samples: Samples): void {
  for (const { daemon, sessions, bfd, bfdDaemon, bfdProblem, durations } of up) {
    samples.gauge(m.DAEMON_UP, [daemon], 1);
    if (bfdDaemon) samples.gauge(m.DAEMON_UP, ['bfdd'], Number(bfdProblem === undefined));
    for (const session of sessions) publishSession(daemon, session, samples);
    for (const { vrf, peer, nic = '', up: isUp } of bfd) samples.gauge(m.BFD_UP, [daemon, vrf, peer, nic], Number(isUp));
    samples.histogram(m.READ_DURATION, [daemon], durations);
  }
  for (const { daemon } of down) samples.gauge(m.DAEMON_UP, [daemon], 0);
  for (const { prefix, level, nic, peer, announced } of planned) {
    samples.gauge(m.EXPECTED, [prefix, level, nic, peer], 1);
    samples.gauge(m.ANNOUNCED, [prefix, level, nic, peer], Number(announced));
  }
  for (const { vrf, peer, nic, count } of unplanned) samples.gauge(m.UNPLANNED, [vrf, peer, nic], count);
}
