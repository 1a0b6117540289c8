/** Makes the kernel write a TOA option on our own connections with a mark, and shows that it does. */
import { runForCgroup } from '../../sys/bpf.ts';
import { EINVAL, EPERM, errnoName } from '../../sys/errno.ts';
import { close } from '../../sys/libc.ts';
import { inOwnCgroup } from '../../sys/own-cgroup.ts';
import { synOfOwn, tcpOptions } from '../../sys/own-syn.ts';
import { toaBytes } from './option.ts';
import { type ToaProgram, toaProgram } from './program.ts';

/** A descriptor to close, or why the option can't be sent, with the remedy. */
export type Sending = { readonly link: number } | { readonly missing: string };

/** What the kernel refused, in words. */
export function missingFor(code: number): string {
  if (code === EPERM)
    return 'needs CAP_BPF and CAP_NET_ADMIN (drop-in toa.conf, or root), and no bpf program above that wants its cgroup alone';
  if (code === EINVAL) return 'this kernel takes no program that writes TCP options: needs Linux 5.10 with CONFIG_CGROUP_BPF';
  return `bpf(2): ${errnoName(code)}`;
}

/**
 * From now on, and until `link` is closed or this process ends however it does, TCP connections of this process's cgroup that are
 * opened with the mark carry the option. Seen on one to ourselves, or it is missing. Never rejects; takes a few ms.
 */
export async function startSending(program: ToaProgram): Promise<Sending> {
  const link = await inOwnCgroup((cgroup) => runForCgroup(toaProgram(program), cgroup));
  if (typeof link === 'string') return { missing: `needs cgroup v2 (mount -t cgroup2 none /sys/fs/cgroup): ${link}` };
  if (link < 0) return { missing: missingFor(-link) };
  const unseen = unseenOn(synOfOwn(program.family, program.mark), program);
  if (unseen === undefined) return { link };
  close(link);
  return { missing: unseen };
}

/** Why a SYN does not show that the option is written; undefined: it does. */
export function unseenOn(syn: Uint8Array | number, { kind, ...client }: ToaProgram): string | undefined {
  if (typeof syn === 'number') return `a connection to ourselves over loopback: ${errnoName(-syn)}`;
  const wanted = toaBytes({ kind, ...client });
  if (tcpOptions(syn).some((option) => wanted.equals(option))) return undefined;
  return `this kernel does not write option ${kind}: seen on a connection to ourselves over loopback`;
}
