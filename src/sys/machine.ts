/** What a configuration may ask of this machine: its boot, interfaces, addresses, programs. */
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

/** Names of the interfaces of this network namespace. Empty where there is no /sys. */
export async function interfaceNames(): Promise<ReadonlySet<string>> {
  return new Set(await readdir('/sys/class/net').catch(() => Object.keys(networkInterfaces())));
}

/** IP addresses of the interfaces that are up, without scope. */
export function localAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)));
}

/** The machine's boot; `unknown` where the kernel does not show it. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

/** Networks that interfaces which are up are in: `ADDRESS/LENGTH`. */
export function interfaceNetworks(): readonly { readonly device: string; readonly cidr: string }[] {
  return Object.entries(networkInterfaces()).flatMap(([device, all]) =>
    (all ?? []).flatMap(({ cidr }) => (cidr === null ? [] : [{ device, cidr }])),
  );
}

const OTHERS_MAY_WRITE = 0o022;
const EXECUTABLE = 0o111;

/** Why a program can not or should not be run as root; undefined when nothing speaks against it. Never rejects. */
export async function programRefusal(path: string): Promise<string | undefined> {
  try {
    const { mode, uid, ...stats } = await stat(path).then((s) => ({ mode: s.mode, uid: s.uid, isFile: s.isFile() }));
    if (!stats.isFile) return 'is no file';
    if ((mode & EXECUTABLE) === 0) return 'is not executable';
    if ((mode & OTHERS_MAY_WRITE) !== 0) return 'can be changed by other users than its owner';
    return uid === 0 ? undefined : `belongs to uid ${uid}, who can change what runs as root`;
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `can not be looked at (${code})`;
  }
}
