/** trackFile on a file system that is full, then read-only, then gone. Needs root, for mount. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { actuators } from '../../src/act/index.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import type { ActionReport } from '../../src/act/report.ts';
import { planOf, wantedOf } from '../act/world.ts';

const mount = mkdtempSync(join(tmpdir(), 'fourlane-disk-'));
const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount);
const other = mkdtempSync(join(tmpdir(), 'fourlane-disk-'));
after(() => {
  run('umount', mount);
  rmdirSync(mount);
  rmSync(other, { recursive: true });
});

it('a full disk: the old value stays, the failure says so, another file is written, and it works with space again', async () => {
  const plan = planOf(`nics:
  - {name: eth2, onFail: [{trackFile: {path: ${mount}/eth2}}]}
  - {name: eth3, onFail: [{trackFile: {path: ${other}/eth3}}]}
`);
  let now = 0;
  const reports: ActionReport[] = [];
  const reconciler = new Reconciler({ actuators, clock: () => now, random: () => 0.5, onAction: (r) => reports.push(r) });
  const last = (nic: string) => reports.findLast((r) => r.effect.nic === nic);
  const read = (file: string) => readFileSync(file, 'utf8');
  const retry = async () => {
    now += 120_000;
    reconciler.tick();
    await reconciler.idle();
  };

  reconciler.setPlan(plan);
  reconciler.pass(wantedOf(plan), []);
  await reconciler.idle();
  assert.deepEqual([read(`${mount}/eth2`), read(`${other}/eth3`)], ['0\n', '0\n']);

  // Fill what is left to the last page.
  assert.throws(() => writeFileSync(`${mount}/ballast`, Buffer.alloc(128 << 10)), { code: 'ENOSPC' });
  const failed = wantedOf(plan, (w) => w.nicEnabled.fill(0));
  reconciler.pass(failed, []);
  await reconciler.idle();
  assert.equal(last('eth2')?.error, `cannot write ${mount}/eth2: no space left on the file system; free some (ENOSPC)`);
  assert.deepEqual([read(`${mount}/eth2`), read(`${other}/eth3`)], ['0\n', '1\n']);
  assert.deepEqual(readdirSync(mount).sort(), ['ballast', 'eth2'], 'no temporary file stays');

  rmSync(`${mount}/ballast`);
  run('mount', '-o', 'remount,ro', mount);
  await retry();
  assert.match(last('eth2')?.error ?? '', /the file system is mounted read-only \(EROFS\)/);

  run('mount', '-o', 'remount,rw', mount);
  await retry();
  assert.equal(last('eth2')?.result, 'ok');
  assert.equal(read(`${mount}/eth2`), '1\n');
  assert.deepEqual(reconciler.pending(), []);
});
