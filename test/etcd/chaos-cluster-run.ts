/** `npm run chaos:cluster [-- WORD]`: every fault of the cluster, or those whose name has the word, and what clients had. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FLEET_FAULTS } from './fleet-faults.ts';
import { isInside } from './inside.ts';
import { RealFleet } from './real-fleet.ts';

if (isInside(['faketime'])) {
  const word = process.argv[2] ?? '';
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-chaos-cluster-'));
  const fleet = await RealFleet.start(dir);
  fleet.clients.take();
  console.log('| fault | s | client requests | failed | |\n|---|---|---|---|---|');
  let wrong = 0;
  for (const [name, fault] of Object.entries(FLEET_FAULTS)) {
    if (!name.includes(word)) continue;
    const began = performance.now();
    const seen = await fault(fleet).catch((error: Error) => {
      wrong++;
      return `**${error.message.slice(0, 600)}**`;
    });
    const { sent, failed } = fleet.clients.take();
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(`| ${name} | ${seconds} | ${sent} | ${failed.length} | ${seen} |`);
    for (const { server, why } of failed.slice(0, 5)) console.error(`${server}: ${why}`);
    wrong += failed.length;
  }
  await fleet.end();
  rmSync(dir, { recursive: true, force: true });
  process.exit(wrong === 0 ? 0 : 1);
}
