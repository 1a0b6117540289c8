/** The program that writes a TOA option, where it is put, and what is said when it can't be. Real: system/toa-option. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { assemble, copy, exit, jump, label, R0, R1, set } from '../../src/passthrough/toa/assembler.ts';
import { toaBytes } from '../../src/passthrough/toa/option.ts';
import { type ToaProgram, toaProgram } from '../../src/passthrough/toa/program.ts';
import { missingFor, unseenOn } from '../../src/passthrough/toa/sender.ts';
import { closeHeld, newHeld, Senders } from '../../src/passthrough/toa/senders.ts';
import { EINVAL, ENOENT, EPERM } from '../../src/sys/errno.ts';
import { cgroupDirectories } from '../../src/sys/own-cgroup.ts';
import { tcpOptions } from '../../src/sys/own-syn.ts';

const PROGRAM: ToaProgram = { kind: 254, ip: '192.0.2.77', port: 40_077, mark: 8446, family: 4 };
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('TOA program', () => {
  it('is, byte for byte, what a C compiler makes of it with linux/bpf.h', () => {
    const recorded = readFileSync(new URL('../fixtures/passthrough/toa-program.hex', import.meta.url), 'utf8');
    assert.deepEqual(hex(toaProgram(PROGRAM)).match(/.{16}/g), recorded.trim().split('\n'));
  });

  it('has as many stores as the option has words', () => {
    const v6 = toaProgram({ ...PROGRAM, family: 6, ip: '2001:db8::77' });
    assert.equal(v6.length - toaProgram(PROGRAM).length, 3 * 8);
    assert.equal(hex(toaBytes({ kind: 200, ip: '2001:db8::77', port: 1 })), 'c814000120010db8000000000000000000000077');
  });

  it('jumps by the number of instructions between, in both directions', () => {
    const bytes = assemble([label('begin'), jump('end'), set(R0, -2), copy(R1, R0), jump('begin'), label('end'), exit()]);
    assert.equal(hex(bytes), '0500030000000000b7000000feffffffbf010000000000000500fcff000000009500000000000000');
    assert.throws(() => assemble([jump('nowhere')]), /no label nowhere/);
  });
});

describe('TOA sender', () => {
  const MOUNTS = [
    '24 1 0:22 / /sys rw shared:7 - sysfs sysfs rw',
    '30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
    '31 24 0:26 /docker/a\\040b /mnt/own rw - cgroup2 none rw',
  ].join('\n');
  it('finds the cgroup of this process under every mount that has it', () => {
    const of = (path: string) => cgroupDirectories(`4:memory:/x\n0::${path}\n`, MOUNTS);
    assert.deepEqual(of('/'), ['/sys/fs/cgroup/unified']);
    assert.deepEqual(of('/docker/a b/c (deleted)'), ['/sys/fs/cgroup/unified/docker/a b/c', '/mnt/own/c']);
    assert.deepEqual(of('/docker/a b'), ['/sys/fs/cgroup/unified/docker/a b', '/mnt/own']);
    assert.deepEqual(cgroupDirectories('4:memory:/x\n', MOUNTS), [], 'version 1 only');
    assert.deepEqual(cgroupDirectories('0::/\n', '24 1 0:22 / /sys rw - sysfs sysfs rw'), []);
  });

  it('names what is missing', () => {
    assert.match(missingFor(EPERM), /needs CAP_BPF and CAP_NET_ADMIN/);
    assert.match(missingFor(EINVAL), /needs Linux 5\.10/);
    assert.match(missingFor(ENOENT), /bpf\(2\): ENOENT/);
    assert.match(unseenOn(-ENOENT, PROGRAM)!, /over loopback: ENOENT/);
  });

  it('reads the options of a SYN, and wants its own among them, whole', () => {
    const tcp = (options: string) => {
      const length = 5 + options.length / 8;
      return Buffer.from(`45${'00'.repeat(19)}${'00'.repeat(12)}${length.toString(16)}0${'00'.repeat(7)}${options}`, 'hex');
    };
    const own = hex(toaBytes(PROGRAM));
    assert.deepEqual(tcpOptions(tcp(`020405b401010402${own}`)).map(hex), ['020405b4', '01', '01', '0402', own]);
    assert.deepEqual(tcpOptions(tcp('0101000002040000')).map(hex), ['01', '01'], 'nothing behind the end');
    assert.deepEqual(tcpOptions(tcp('fe000000')), [Buffer.alloc(0)].slice(1), 'a length of 0 ends it');
    assert.equal(unseenOn(tcp(own), PROGRAM), undefined);
    assert.match(unseenOn(tcp('020405b4'), PROGRAM)!, /does not write option 254/);
    assert.match(unseenOn(tcp(own.replace('c000024d', 'c000024e')), PROGRAM)!, /does not write/);
  });

  it('asks the kernel once for what several real servers need, and gives all back', async () => {
    const held = newHeld(3);
    const asked: ToaProgram[] = [];
    // Descriptors that are not open: closing them does nothing.
    const senders = new Senders(held, async (program) => {
      asked.push(program);
      return program.family === 6 ? { missing: 'no IPv6' } : { link: 1_000_000 + asked.length };
    });
    const option = { kind: 254, mark: 8446 };
    assert.deepEqual(await Promise.all([4, 4, 6].map((family) => senders.missing(option, family as 4 | 6))), [
      undefined,
      undefined,
      'no IPv6',
    ]);
    assert.equal(await senders.missing({ kind: 200, mark: 8392 }, 4), undefined);
    assert.deepEqual(
      asked.map(({ kind, family, ip }) => [kind, family, ip]),
      [
        [254, 4, '192.0.2.77'],
        [254, 6, '2001:db8::77'],
        [200, 4, '192.0.2.77'],
      ],
    );
    assert.deepEqual([...held], [1_000_001, 0, 1_000_003]);
    senders.close();
    assert.deepEqual([...held], [0, 0, 0]);
    closeHeld(held);
  });
});
