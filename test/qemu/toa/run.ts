/**
 * `npm run test:toa`: builds toa.ko of DPVS for Debian's kernel and runs the guest test of it in QEMU, as `npm run test:ipvs`
 * does with others. Exit status 3: the source is not at hand, nothing was tested.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensure } from '../../../src/lab/ensure.ts';
import { debianKernel } from '../kernel.ts';
import { toaModule } from './module.ts';

const NOT_TESTED = 3;

ensure(['kmod']);
const module = await toaModule(debianKernel());
if ('missing' in module) {
  console.error(`NOT TESTED: the source of toa.ko is not at hand (${module.missing}).`);
  console.error('Name a directory with it: FOURLANE_TOA_SOURCE=/path/to/dpvs/kmod/toa npm run test:toa');
  process.exit(NOT_TESTED);
}
const page = join(import.meta.dirname, '../../../docs/passthrough.md');
const argv = ['--file', `/toa.ko=${module.path}`, '--file', `/passthrough.md=${page}`, 'test/qemu/toa/toa.guest.ts'];
const node = [...process.execArgv, join(import.meta.dirname, '..', 'run.ts')];
process.exitCode = spawnSync(process.execPath, [...node, ...argv], { stdio: 'inherit' }).status ?? 1;
