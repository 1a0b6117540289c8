/** A reading of passthrough: a real server that gets addresses, one that has lost them, one that is silent, and a VIP. */
import type { PassthroughData } from '../../src/collect/passthrough/publish.ts';
import { Standings } from '../../src/collect/passthrough/standing.ts';
import { judgeEcho, judgeListener } from '../../src/passthrough/judge.ts';
import { judgeThrough } from '../../src/passthrough/through.ts';
import type { Done } from '../../src/passthrough/verify.ts';

export function recorded(): PassthroughData {
  const takes = judgeListener({ mode: 'proxy-v2', through: ['direct'] }, 'closed', 'answered');
  const silent = judgeListener({ mode: 'proxy-v2', through: ['direct'] }, 'unreachable');
  const of = (host: number) => ({ service: 'web', realServer: `10.1.0.${host}:8080`, way: 'direct' }) as const;
  const answer = { status: 200, body: '192.0.2.9 40001', localAddress: '192.0.2.9', localPort: 40_001 };
  const done: readonly Done[] = [
    { job: of(1), found: [takes, judgeEcho('client')] },
    { job: of(2), found: [takes, judgeEcho('own')] },
    { job: of(3), found: [silent] },
    { job: { service: 'web', realServer: '', way: 'vip' }, found: [judgeThrough([answer], () => false)] },
  ];
  const standings = new Standings();
  standings.take(done, 1_000_000);
  return { standings: standings.all(), done };
}
