/**
 * ethtool's ioctl, for what ethtool's netlink family does not have: rules that steer packets to queues (ETHTOOL_GRXCLS*), and RSS
 * before Linux 6.2. Reads only: the commands are in a list, and everybody may ask them.
 */
import { getSystemErrorName } from 'node:util';
import { inPool } from './in-pool.ts';
import { addressOf, AF_INET, close, errno, ioctlLater, SOCK_CLOEXEC, SOCK_DGRAM, socket } from './libc.ts';

const SIOCETHTOOL = 0x8946;
const IFREQ = 40;
const NAME = 16;

/** Commands of linux/ethtool.h that change nothing. */
export const ETHTOOL_READS = { GRXCLSRLCNT: 0x2e, GRXCLSRULE: 0x2f, GRXCLSRLALL: 0x30, GRXFHINDIR: 0x38 } as const;

/**
 * Asks about one device of the process's network namespace: sends the structure with the command in its first four bytes; the
 * kernel writes its answer there. @returns false: there is no such device, or its driver has no such thing. Rejects when an
 * earlier question still waits.
 */
export type AskEthtool = (device: string, command: keyof typeof ETHTOOL_READS, structure: Buffer) => Promise<boolean>;

export interface Ethtool {
  readonly ask: AskEthtool;
  close(): void;
}

/** @throws Error when there is no socket to be had */
export function openEthtool(): Ethtool {
  const fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`no socket for ethtool: ${getSystemErrorName(-errno())}`);
  return {
    ask: async (device, command, structure) => {
      structure.writeUInt32LE(ETHTOOL_READS[command], 0);
      const request = Buffer.alloc(IFREQ);
      request.write(device, 0, NAME - 1, 'latin1');
      request.writeBigUInt64LE(addressOf(structure), NAME);
      return (await inPool(() => ioctlLater(fd, SIOCETHTOOL, request))) >= 0;
    },
    close: () => void close(fd),
  };
}
