import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from '../../src/lab/agent.ts';
import { now } from '../../src/lab/control.ts';
import { type Fault, faultsOf } from '../../src/lab/faults.ts';
import { Lab } from '../../src/lab/lab.ts';
import { play, QUICK_RECOVERY } from '../../src/lab/play.ts';
import { labLayout } from '../../src/lab/topology.ts';
import { PATIENCE } from './patience.ts';
import { assertReplays, heldUp } from './recorded.ts';

// The same as `npm run lab:matrix`, a test per fault: verdict, cause, actions and their times; nothing wrong, nobody else hurt,
// recovery. An agent lives through several faults, as in production, and its whole recorded life replays to the same changes at
// the same times.
const faults = faultsOf(labLayout);
/**
 * Faults that one agent lives through. What hurts the agent itself or makes a NIC wait longer has an agent of its own; a path
 * that has just come back takes of its service's budget, which the next fault of paths would wait for.
 */
const LIVES: readonly (readonly string[])[] = [
  ['link-cut', 'admin-down', 'upstream-drop', 'gateway-dead'],
  ['rs-refuse', 'rs-blackhole', 'rs-one-nic', 'nic-loss'],
  ['quarter-one-nic', 'nic-and-rs'],
  ['health-500', 'all-rs-dead', 'isolated'],
  ['agent-stop'],
  ['lane-crash'],
  ['link-flap'],
];

/** Its times are those of a machine that is the lab's alone. */
function patient(fault: Fault): Fault {
  const verdicts = fault.verdicts.map((verdict) => ({ ...verdict, withinMs: verdict.withinMs * PATIENCE }));
  return { ...fault, verdicts, actionsWithinMs: fault.actionsWithinMs * PATIENCE };
}

let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
after(() => lab.close());

test('every fault is lived through', () => {
  assert.deepEqual(LIVES.flat().toSorted(), faults.map(({ name }) => name).toSorted());
});

for (const life of LIVES) {
  describe(`an agent: ${life.join(', ')}`, () => {
    const started = now();
    let agent: Agent | undefined;
    let evidence: string;
    before(async () => {
      await lab.resetDataplane();
      evidence = lab.path('evidence.jsonl');
      agent = await Agent.start(lab, { rules: QUICK_RECOVERY, evidence });
    });
    after(async () => {
      await agent?.stop();
    });

    if (life === LIVES[0]) {
      it('without a fault nothing is said and nothing is done', async () => {
        const changes = await lab.changes();
        await sleep(5000);
        assert.deepEqual(await lab.changes(), changes);
        assert.deepEqual(
          (await agent!.transitions(started)).filter((t) => t.verdict !== 'OK'),
          [],
        );
      });
    }

    for (const fault of faults.filter(({ name }) => life.includes(name))) {
      it(fault.title, async () => {
        const from = now();
        const row = await play(lab, agent!, patient(fault));
        const because = row.problems.length === 0 ? '' : [heldUp(evidence, from), ...(await lab.pauses(from))].join('\n');
        assert.deepEqual(row.problems, [], `${JSON.stringify(row, null, 2)}\n${agent!.tail()}\n${because}`);
      });
    }

    it('its recorded life replays', async () => {
      const live = await agent!.transitions(started);
      await agent!.stop();
      assertReplays(evidence, live);
    });
  });
}
