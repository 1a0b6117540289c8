import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Transition } from '../../src/lab/agent.ts';
import { faultsOf } from '../../src/lab/faults.ts';
import { Lab } from '../../src/lab/lab.ts';
import { play, QUICK_RECOVERY } from '../../src/lab/play.ts';
import { labLayout } from '../../src/lab/topology.ts';
import { assertReplays } from './recorded.ts';

// The same as `npm run lab:matrix`, a test per fault: verdict, cause, actions and their times; nothing wrong, nobody else hurt,
// recovery. And the recorded run replays to the same changes at the same times.
let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
after(() => lab.close());

for (const fault of faultsOf(labLayout)) {
  test(fault.title, async () => {
    await lab.resetDataplane();
    const evidence = lab.path('evidence.jsonl');
    const agent = await Agent.start(lab, { rules: QUICK_RECOVERY, evidence });
    let live: readonly Transition[] = [];
    try {
      const row = await play(lab, agent, fault);
      assert.deepEqual(row.problems, [], `${JSON.stringify(row, null, 2)}\n${agent.tail()}`);
      live = await agent.transitions(0);
    } finally {
      await agent.stop();
    }
    assertReplays(evidence, live);
  });
}

test('without a fault nothing is said and nothing is done', async () => {
  await lab.resetDataplane();
  const agent = await Agent.start(lab);
  try {
    const t0 = (await lab.changes()).length;
    await sleep(5000);
    assert.equal((await lab.changes()).length, t0);
    assert.deepEqual(
      (await agent.transitions(0)).filter((t) => t.verdict !== 'OK'),
      [],
    );
  } finally {
    await agent.stop();
  }
});
