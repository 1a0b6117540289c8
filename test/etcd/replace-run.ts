/**
 * `npm run bench:replace`: 60 000 real servers replaced by as many others, on three real agents with a real etcd: from the
 * command until all have applied it, with what each agent used of the processor.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentProcess, writeConfig } from '../system/harness.ts';
import { isInside } from './inside.ts';
import { Operator } from './operator.ts';

const NAME = 'edge-6';
const SERVERS = ['lb-01', 'lb-02', 'lb-03'] as const;
const SERVICES = 3000;
const EACH = 20;
const MOST_MS = 15_000;

/** Real servers that answer nothing: what is measured is the release, so that they are probed once in ten minutes. */
function services(generation: number): string {
  const list = Array.from({ length: SERVICES }, (_, k) => ({
    name: `web${k}`,
    vip: `10.${64 + (k >> 8)}.${k & 255}.1:80/tcp`,
    check: { type: 'tcp', interval: '10m' },
    realServers: Array.from({ length: EACH }, (_each, i) => {
      const n = k * EACH + i;
      return `10.${generation}.${n >> 8}.${n & 255}:80`;
    }),
  }));
  return JSON.stringify({ services: list });
}

/** CPU of a process so far, ms: user and system, in ticks of 10 ms. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

if (isInside()) {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-replace-'));
  const operator = new Operator({ dir, name: NAME, servers: Object.fromEntries(SERVERS.map((each) => [each, 'ring=all'])) });
  const { etcd } = await operator.init();
  const agents = await Promise.all(
    SERVERS.map((server) => {
      const body = {
        cluster: { name: NAME, etcd: { endpoints: etcd.endpoints, tls: operator.tls(server) }, prove: '300ms' },
        server,
        listen: '127.0.0.1:0',
        stateDir: join(dir, server),
        nics: [{ name: 'eth2', device: 'lo', source: '127.0.0.2' }],
      };
      return AgentProcess.start(writeConfig(dir, body, `${server}.yaml`));
    }),
  );
  let worst = 0;
  for (const [generation, name] of ['first release', 'replaced', 'replaced again'].entries()) {
    const file = operator.file(services(100 + generation));
    const before = agents.map(({ pid }) => cpuOf(pid));
    const began = performance.now();
    const more = generation === 0 ? [] : ['--urgent', '--allow-removed', '100%'];
    await operator.expect(0, 'release', file, '--why', name, '--timeout', '120s', ...more);
    const ms = performance.now() - began;
    const cpu = agents.map(({ pid }, i) => ((cpuOf(pid) - before[i]!) / 1000).toFixed(1));
    if (generation > 0) worst = Math.max(worst, ms);
    console.log(
      `${name}: ${SERVICES * EACH} real servers applied by all after ${(ms / 1000).toFixed(1)} s; CPU ${cpu.join(', ')} s`,
    );
  }
  await Promise.all(agents.map((agent) => agent.end()));
  await etcd.stop();
  rmSync(dir, { recursive: true, force: true });
  process.exit(worst <= MOST_MS ? 0 : 1);
}
