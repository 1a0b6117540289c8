/** The configuration that keepalived and fourlane start from, and what fourlane's verdicts say of each address. */
import type { AgentProcess } from '../../system/harness.ts';
import { addressOf, DELAY_LOOP, nameOf, type Pattern, PATTERNS } from './patterns.ts';

/** Where keepalived tells its changes. */
export const FIFO = '/run/semantics.fifo';
/** Real servers that are always good, so that the bad ones are never most. */
const OTHERS = 40;

export interface Change {
  /** s since the beginning of the scripts. */
  readonly at: number;
  readonly to: 'UP' | 'DOWN';
}

function virtualServer(pattern: Pattern, k: number): string {
  const udp = pattern.kind === 'udp' || pattern.kind === 'dns';
  const head = `delay_loop ${DELAY_LOOP}\n lvs_sched rr\n lvs_method NAT\n protocol ${udp ? 'UDP' : 'TCP'}\n warmup 0`;
  const checkers = pattern.checkers.replaceAll('NAME', nameOf(k));
  const server = `real_server ${addressOf(k)} 80 {\n ${checkers}\n }`;
  return `virtual_server 198.51.100.${k + 1} 80 {\n ${head}${pattern.alpha ? '\n alpha' : ''}\n ${server}\n}\n`;
}

/** A virtual server for each pattern, and one whose real servers are always good. */
export function configuration(otherPort: number): string {
  const files = PATTERNS.flatMap(({ kind }, k) =>
    kind === 'file' ? `track_file ${nameOf(k)} {\n file /root/${nameOf(k)}.track\n}\n` : [],
  );
  const others = Array.from({ length: OTHERS }, (_, i) => `real_server 127.0.2.${i + 1} ${otherPort} {\n TCP_CHECK {\n }\n }`);
  const head = `delay_loop ${DELAY_LOOP}\n lvs_sched rr\n lvs_method NAT\n protocol TCP`;
  return (
    `global_defs {\n enable_script_security\n script_user root\n lvs_notify_fifo ${FIFO}\n}\n${files.join('')}` +
    `${PATTERNS.map(virtualServer).join('')}virtual_server 203.0.113.1 80 {\n ${head}\n ${others.join('\n ')}\n}\n`
  );
}

/** Changes of each address from the verdicts on its checks: down while one of them is. */
export async function changesOf(agent: AgentProcess): Promise<Map<string, Change[]>> {
  const down = new Map<string, Set<string>>();
  const changes = new Map<string, Change[]>();
  const transitions = (await agent.transitions()).filter(({ subject }) => subject === 'rs');
  for (const { rs = '', verdict, time } of transitions.toSorted((a, b) => a.time.localeCompare(b.time))) {
    const ip = rs.replace(/[:#].*$/, '');
    const bad = down.get(ip) ?? new Set();
    down.set(ip, bad);
    const before = bad.size > 0;
    if (verdict === 'RS_DOWN') bad.add(rs);
    else bad.delete(rs);
    const to = bad.size > 0 ? 'DOWN' : 'UP';
    if (before !== bad.size > 0) changes.set(ip, [...(changes.get(ip) ?? []), { at: Date.parse(time) / 1000, to }]);
  }
  return changes;
}
