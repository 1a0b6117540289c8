/** nftables scripts that make a network fault. `Lab.heal` flushes them. */
import type { LayoutServer } from './layout.ts';

/** One chain on a hook of the IP layer. */
export function chain(hook: 'input' | 'forward', rules: readonly string[]): string {
  return `table inet lab {\n chain c {\n  type filter hook ${hook} priority 0;\n  ${rules.join('\n  ')}\n }\n}\n`;
}

/**
 * On a top-of-rack router: what comes in from the load balancer is lost. The gateway no longer answers, not even ARP, but the
 * carrier stays. With `percent`, that share of packets at random (no netem needed).
 */
export function deaf(percent = 100): string {
  const match = percent < 100 ? `numgen random mod 100 < ${percent} ` : '';
  return `table netdev lab {\n chain c {\n  type filter hook ingress device "lb" priority 0;\n  ${match}drop\n }\n}\n`;
}

/** Packets to these real servers vanish: in their rack (`input`) or on one NIC's router (`forward`). */
export function lose(servers: readonly LayoutServer[], hook: 'input' | 'forward'): string {
  return chain(
    hook,
    servers.flatMap((server) => server.ips.map((ip) => `${ip.includes(':') ? 'ip6' : 'ip'} daddr ${ip} drop`)),
  );
}
