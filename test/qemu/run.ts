/**
 * `npm run test:ipvs`: boots Debian's stock kernel in QEMU, without root, KVM or network, and runs the guest tests on its real
 * ip_vs. Arguments: guest files (default: test/qemu/guest/*.guest.ts); `--out DIR`: where files go that the guest sends;
 * `--file PLACE=FILE`: a file of this machine for the guest; `--quiet SECONDS`: how long shadow mode is watched while nothing
 * happens (`npm run test:shadow`: ten minutes).
 *
 * Each file has a machine of its own, so that nothing of another one is there. Time in it is counted in instructions, one a
 * nanosecond: it is the same machine however busy this one is, and waits take no time. That is for one CPU; tests of what each
 * CPU counts have two, whose time is that of this machine.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ensure } from '../../src/lab/ensure.ts';
import { buildImage, guestName } from './image.ts';
import { debianKernel, type Kernel } from './kernel.ts';

/** Against a guest that hangs: its tests give up much sooner what they wait for. */
const LIMIT_MS = 1_800_000;
const MEMORY_MB = 2048;
/** Without AVX, whose emulation is young in QEMU 7.2 (seen: a crash of node in one boot of six). */
const CPU = 'Nehalem';
const COUNTED = ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off', '-rtc', 'clock=vm', '-smp', '1'];
const TWO_CPUS = ['-accel', 'tcg,thread=multi', '-smp', '2'];
const WITH_TWO_CPUS = 'counters.guest.ts';
/** Lines of the console shown when the guest did not get to its end. */
const LAST = 30;

const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1);
const began = performance.now();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, quiet: { type: 'string' }, file: { type: 'string', multiple: true, default: [] } },
});
const quietS = Number(values.quiet ?? 0);
const root = join(import.meta.dirname, '../..');
const tests = positionals.length > 0 ? positionals : globSync('test/qemu/guest/*.guest.ts', { cwd: root }).sort();
ensure(['qemu-system-x86', 'busybox-static', 'ipvsadm', 'keepalived', 'iproute2', 'kmod']);
const kernel = debianKernel();
const work = mkdtempSync(join(tmpdir(), 'fourlane-qemu-'));
process.once('exit', () => rmSync(work, { recursive: true, force: true }));
const disk = join(work, 'initrd');
const files = new Map(values.file.map((pair) => pair.split('=', 2) as [string, string]));
const image = buildImage(kernel, files);
writeFileSync(disk, image);
console.log(`kernel ${kernel.version}, image of ${Math.round(image.length / 1e6)} MB made in ${seconds(began)} s`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
for (const file of tests) process.exitCode = (await boot(kernel, file)) || process.exitCode;

/** Boots, shows what the guest prints, resolves with the exit code of its tests; 1 when it did not get to their end. */
function boot({ image: bzImage }: Kernel, file: string): Promise<number> {
  const started = performance.now();
  const append = `console=ttyS0 quiet panic=-1 loglevel=3 fourlane.run=${guestName(file)}`;
  // What the kernel does not know it hands to the first process as its environment.
  const environment = quietS > 0 ? [`SHADOW_QUIET_S=${quietS}`] : [];
  const cpus = basename(file) === WITH_TWO_CPUS ? TWO_CPUS : COUNTED;
  const hardware = [...cpus, '-cpu', CPU, '-m', String(MEMORY_MB), '-nic', 'none', '-no-reboot'];
  const terminal = ['-nographic', '-monitor', 'none', '-serial', 'stdio'];
  const argv = [...hardware, ...terminal, '-kernel', bzImage, '-initrd', disk, '-append', [append, ...environment].join(' ')];
  const qemu = spawn('qemu-system-x86_64', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = () => qemu.kill('SIGKILL');
  process.once('exit', end);
  const limitMs = LIMIT_MS + 1000 * quietS;
  const limit = setTimeout(end, limitMs);
  const early: string[] = [];
  let phase: 'booting' | 'running' | 'ended' = 'booting';
  let code = 1;
  createInterface({ input: qemu.stdout }).on('line', (line) => {
    const [, mark = '', value = '', content = ''] = /@@(\w+) (\S+) ?(\S*)/.exec(line) ?? [];
    if (mark === 'booted') {
      phase = 'running';
      console.log(`${file}: booted in ${seconds(started)} s`);
    } else if (mark === 'ended') {
      phase = 'ended';
      code = Number(value);
    } else if (mark === 'file' && values.out !== undefined) {
      writeFileSync(join(values.out, value), Buffer.from(content, 'base64'));
    } else if (phase === 'running') console.log(line);
    else early.push(line);
  });
  return new Promise((resolve, reject) => {
    qemu.once('error', reject);
    qemu.once('close', () => {
      clearTimeout(limit);
      process.off('exit', end);
      if (phase !== 'ended') console.log(`the guest did not get to its end (it is ${phase}):\n${early.slice(-LAST).join('\n')}`);
      console.log(`${file}: ${code === 0 ? 'passed' : 'failed'}, ${seconds(started)} s; all so far ${seconds(began)} s`);
      resolve(code);
    });
  });
}
