/** `npm run chaos:etcd [-- SECONDS]`: mirrors on a real etcd that is hurt for so long. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chaos } from './chaos.ts';
import { isInside } from './inside.ts';

const SECONDS = 600;

if (isInside()) {
  const dir = join(mkdtempSync(join(tmpdir(), 'fourlane-chaos-')), 'etcd');
  const { wrong, ...result } = await chaos({
    dir,
    seconds: Number(process.argv[2] ?? SECONDS),
    log: (line) => console.error(line),
  });
  console.log(JSON.stringify(result, undefined, 2));
  console.log(wrong.length === 0 ? 'nothing lost, doubled, invented or out of order' : `${wrong.length} faults:`);
  for (const fault of wrong.slice(0, 30)) console.log(`  ${fault}`);
  process.exit(wrong.length === 0 ? 0 : 1);
}
