/** bpf(2): a program for what happens on the TCP sockets of a cgroup. Commands and layouts: linux/bpf.h. */
import { EAGAIN } from './errno.ts';
import { addressOf, close, errno, syscall } from './libc.ts';

const SYS_BPF = process.arch === 'arm64' ? 280 : 321;
const BPF_PROG_LOAD = 5;
const BPF_LINK_CREATE = 28;
const BPF_PROG_TYPE_SOCK_OPS = 13;
const BPF_CGROUP_SOCK_OPS = 3;
/** union bpf_attr as Linux 6.1 has it; older kernels take zeros behind what they know. */
const ATTRIBUTES = 128;
const INSTRUCTION = 8;

/** What a program is licensed under: the helpers that are used here are for all. */
const license = Buffer.from('Apache-2.0\0');

/** A signal that comes while the kernel verifies a program ends that with EAGAIN (bpf_check); libbpf tries as often. */
const MOST_ATTEMPTS = 5;

function bpf(command: number, attributes: Buffer): number {
  let failed = 0;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const result = Number(syscall(SYS_BPF, command, attributes, attributes.length));
    if (result >= 0) return result;
    failed = errno();
    if (failed !== EAGAIN) break;
  }
  return -failed;
}

/**
 * Makes the kernel run a program of type sock_ops for the sockets of a cgroup v2, beside other programs there, for as long as the
 * descriptor that is returned is open: also when the process is killed, nothing is left.
 * @param program eBPF instructions
 * @param cgroup open descriptor of its directory
 * @returns descriptor, or -errno: EPERM: no CAP_BPF and CAP_NET_ADMIN, or the cgroup above has a program that wants to be alone;
 *   EINVAL: the kernel lacks something that the program uses (before 5.10), or it is wrong
 */
export function runForCgroup(program: Uint8Array, cgroup: number): number {
  const loading = Buffer.alloc(ATTRIBUTES);
  loading.writeUInt32LE(BPF_PROG_TYPE_SOCK_OPS, 0);
  loading.writeUInt32LE(program.length / INSTRUCTION, 4);
  loading.writeBigUInt64LE(addressOf(program), 8);
  loading.writeBigUInt64LE(addressOf(license), 16);
  loading.write('fourlane_toa', 48, 'latin1');
  const loaded = bpf(BPF_PROG_LOAD, loading);
  if (loaded < 0) return loaded;
  const linking = Buffer.alloc(ATTRIBUTES);
  linking.writeUInt32LE(loaded, 0);
  linking.writeUInt32LE(cgroup, 4);
  linking.writeUInt32LE(BPF_CGROUP_SOCK_OPS, 8);
  const link = bpf(BPF_LINK_CREATE, linking);
  close(loaded); // the link holds it
  return link;
}
