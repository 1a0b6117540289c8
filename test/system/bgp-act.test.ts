/**
 * The actuator bgp in agents beside real FRR and BIRD: a NIC whose upstream fails loses its routes at the router, and back;
 * daemons that start again, agents that are killed, operators who shut sessions themselves. Needs root.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { table } from '../../src/cli/output.ts';
import { ensure } from '../../src/lab/ensure.ts';
import {
  byOperator,
  configFor,
  hasKernelRoute,
  hasRoute,
  healServers,
  kernelHas,
  kernelPrefix,
  LOST,
  loseServers,
  redistribute,
  serveBehindRouter,
  setLink,
  startAgain,
  startAgent,
} from './bgp-acting.ts';
import { BALANCERS, build, type Kind, KINDS, sourceFor, stop, there } from './bgp-lab.ts';
import { type AgentProcess, enterOwnNetwork, run, until } from './harness.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-bgp-act-'));
const files = new Map<Kind, string>();
const agents = new Map<Kind, AgentProcess>();
const sources = new Map(KINDS.map((kind) => [kind, sourceFor(kind)]));
const rows = [['daemon', 'what', 's']];

before(async () => {
  ensure(['iproute2', 'nftables', 'frr', 'bird2']);
  enterOwnNetwork();
  build();
  await serveBehindRouter();
  for (const kind of KINDS) {
    files.set(kind, configFor(kind, dir));
    redistribute(kind);
  }
  await Promise.all(
    KINDS.map((kind) => until(`the router has the routes of ${kind}`, 20_000, () => hasRoute(kind) && hasKernelRoute(kind))),
  );
  await Promise.all(KINDS.map(start));
});
after(async () => {
  for (const agent of agents.values()) await agent.end();
  for (const source of sources.values()) source.close();
  stop();
  rmSync(dir, { recursive: true });
});

async function start(kind: Kind): Promise<void> {
  agents.set(kind, await startAgent(kind, files.get(kind)!));
}

/** Waits, and notes how long it took. */
async function timed(kind: Kind, what: string, isSo: () => boolean | Promise<boolean>, limitMs = 15_000): Promise<void> {
  const began = performance.now();
  await until(`${kind}: ${what}`, limitMs, isSo);
  rows.push([kind, what, ((performance.now() - began) / 1000).toFixed(1)]);
}

async function stateOf(kind: Kind): Promise<string | undefined> {
  const reading = await sources.get(kind)!.read(AbortSignal.timeout(3000));
  if (reading.state !== 'data') return undefined;
  return reading.data.up[0]?.sessions.find((s) => s.peer === there(kind, LOST))?.state;
}

const isShut = async (kind: Kind) => (await stateOf(kind)) === 'admin_down';
const ofBoth = (work: (kind: Kind) => Promise<void>) => Promise.all(KINDS.map(work));
/** What the agent has reported of its calls. */
const reported = (kind: Kind, pattern: RegExp) => agents.get(kind)!.logged(pattern) !== undefined;

async function failed(kind: Kind): Promise<void> {
  loseServers(kind);
  await timed(kind, 'upstream fails: route gone at the router', () => !hasRoute(kind));
  await timed(kind, '… and the session shut', () => isShut(kind));
}

describe('actuator bgp beside real FRR and BIRD', () => {
  it('upstream fault: the route over that NIC goes, and comes back', { timeout: 60_000 }, async () => {
    await ofBoth(async (kind) => {
      await failed(kind);
      await timed(kind, '… and the route of the kernel withdrawn', () => !hasKernelRoute(kind));
      healServers(kind);
      await timed(kind, 'upstream well: route back at the router', () => hasRoute(kind));
      await timed(kind, '… and that of the kernel', () => hasKernelRoute(kind));
    });
  });

  it('cut: the route goes with the link, and comes back after it', { timeout: 60_000 }, async () => {
    await ofBoth(async (kind) => {
      setLink(kind, 'down');
      await timed(kind, 'link cut: route gone at the router', () => !hasRoute(kind));
      await timed(kind, '… and the session shut', () => isShut(kind));
      setLink(kind, 'up');
      await timed(kind, 'link back: route back at the router', () => hasRoute(kind));
    });
  });

  it('sessions that a daemon opens by itself are shut again', { timeout: 60_000 }, async () => {
    await ofBoth(async (kind) => {
      await failed(kind);
      await startAgain(kind);
      await timed(kind, 'daemon started again: shut again', () => isShut(kind));
      // The agent reports it when its call has ended, which is after the daemon shows it.
      await until(`${kind}: reported`, 5000, () => reported(kind, /somebody else/));
    });
  });

  it('an agent that is killed leaves it as it is; the next one opens it when the NIC is well', { timeout: 60_000 }, async () => {
    await ofBoth(async (kind) => {
      await agents.get(kind)!.end('SIGKILL');
      healServers(kind);
      assert.ok(await isShut(kind));
      await start(kind);
      await timed(kind, 'agent killed, NIC well, next agent: route back', () => hasRoute(kind));
    });
  });

  it('what an operator shuts meanwhile stays shut', { timeout: 60_000 }, async () => {
    await ofBoth(async (kind) => {
      await failed(kind);
      byOperator(kind, 'shut');
      healServers(kind);
      await until(`${kind}: left shut`, 10_000, () => {
        if (reported(kind, /shut by somebody else|somebody else has shut it since/)) return true;
        throw new Error(JSON.stringify(agents.get(kind)!.log.slice(-6)));
      });
      assert.ok(await isShut(kind));
      byOperator(kind, 'open');
      await until('back', 15_000, () => hasRoute(kind));
    });
  });

  it('fourlane bgp restore opens what an agent left that is gone', { timeout: 60_000 }, async () => {
    for (const kind of KINDS) {
      await failed(kind);
      await until(`${kind}: the route withdrawn too`, 10_000, () => !kernelHas(kind));
      await agents.get(kind)!.end('SIGKILL');
      const command = `${process.execPath} ${PROGRAM} bgp restore --config ${files.get(kind)!}`;
      const said = run(`ip netns exec ${BALANCERS[kind].name} ${command}`);
      assert.equal(said, `${kernelPrefix(kind, LOST)}: route put back\n${there(kind, LOST)}: opened\n`);
      await timed(kind, 'fourlane bgp restore: route back', () => hasRoute(kind));
    }
    console.log(table(rows));
  });
});
