/** The whole agent on a real kernel: a real server dies and comes back, and clients notice nothing of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { AgentProcess, QUICK, until, writeConfig } from '../../system/harness.ts';
import { get, ipvsadm, makeNetwork, RS, saved, serveBoth, settled, serving, table, VIP, weightOf } from './net.ts';

const WEB = `${VIP}:80`;
const RS1 = `${RS.rs1}:80`;
const LIMIT_MS = 120_000;

describe('the agent with the ipvs actuator', () => {
  const dir = mkdtempSync('/tmp/agent-');
  let agent: AgentProcess;
  const file = writeConfig(dir, {
    listen: '127.0.0.1:9844',
    stateDir: dir,
    nics: [{ name: 'br0', anchors: [RS.rs2] }],
    // Slow enough for an emulated machine: a probe that starts late proves nothing.
    checks: { web: { type: 'tcp', interval: '2s', timeout: '1s', fall: 2, rise: 2 } },
    services: [
      {
        name: 'web',
        vip: `${WEB}/tcp`,
        check: 'web',
        realServers: [RS1, `${RS.rs2}:80`],
        actuator: { ipvs: { timeout: '20s' } },
      },
    ],
    collectors: { ipvs: { interval: '2s', timeout: '2s' } },
    rules: QUICK,
  });
  /** Starts it; waits longer than other tests do for an agent. */
  const start = async () => {
    agent = AgentProcess.spawn(file);
    await until('the agent is ready', LIMIT_MS, () => agent.logged(/^ready/) !== undefined || agent.ended !== undefined).catch(
      (error: Error) => assert.fail(`${error.message}: ${JSON.stringify(agent.log.slice(-5))}`),
    );
    await agent.ready();
  };
  const weight = (wanted: number) => until(`weight ${wanted}`, LIMIT_MS, () => weightOf(WEB, RS1) === wanted);

  /** A weight is in the kernel a moment before the agent knows so. */
  const done = () =>
    until('nothing is pending', LIMIT_MS, async () => (await agent.metric('fourlane_action_pending', 'actuator="ipvs"')) === 0);

  before(async () => {
    makeNetwork();
    await serveBoth();
    table(`-A -t ${WEB} -s rr`, `-a -t ${WEB} -r ${RS1} -m -w 7 -x 1000 -y 500`, `-a -t ${WEB} -r ${RS.rs2}:80 -m -w 3`);
    await start();
    await agent.allGood(LIMIT_MS);
  });
  after(async () => {
    await agent.end();
    ipvsadm('-C');
  });

  it('takes a real server that refuses out, and remembers over kill -9 what to put back', async () => {
    const before = saved();
    await serving('rs1', false);
    await weight(0);
    assert.equal(saved(), before.replace('-w 7', '-w 0'));
    assert.deepEqual(await get(4), ['rs2', 'rs2', 'rs2', 'rs2']);
    await done();
    await until('the state is saved', LIMIT_MS, () => readFileSync(`${dir}/state.json`, 'utf8').includes('was'));
    await agent.end('SIGKILL');
    await start();
    assert.equal(weightOf(WEB, RS1), 0);
    await serving('rs1', true);
    await weight(7);
    assert.equal(saved(), before);
  });

  it('sees somebody else overwrite the weight, sets it again, and counts that', async () => {
    await serving('rs1', false);
    await weight(0);
    await done();
    ipvsadm(`-e -t ${WEB} -r ${RS1} -m -w 9 -x 1000 -y 500`);
    await weight(0);
    await until('one drift is counted', LIMIT_MS, async () => {
      const drifts = await agent.metric('fourlane_action_drift_total', 'actuator="ipvs"');
      if (drifts === 1) return true;
      throw new Error(`${drifts}: ${JSON.stringify(agent.log.slice(-8))}`);
    });
    await serving('rs1', true);
    await weight(9);
  });

  it('exports the counters that ipvsadm prints', async () => {
    await get(3);
    await settled();
    const line =
      ipvsadm('-Ln --stats --exact')
        .split('\n')
        .find((l) => l.includes(WEB)) ?? '';
    const connections = Number(line.trim().split(/\s+/)[2]);
    assert.ok(connections >= 7);
    await until('the collector has read them', LIMIT_MS, async () => {
      const exported = await agent.metric('fourlane_service_connections_total', `service="${WEB}/tcp"`);
      return exported === connections;
    });
  });
});
