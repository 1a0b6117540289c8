/**
 * ethtool's ioctl, for what ethtool's netlink family does not have: rules that steer packets to queues (ETHTOOL_GRXCLS*), and
 * RSS before Linux 6.2. Reads
 * only: the commands are in a list.
 */
import { getSystemErrorName } from 'node:util';
import { addressOf, AF_INET, close, errno, ioctl, SOCK_CLOEXEC, SOCK_DGRAM, socket } from './libc.ts';

const SIOCETHTOOL = 0x8946;
const IFREQ = 40;
const NAME = 16;

/** Commands of linux/ethtool.h that change nothing. */
export const ETHTOOL_READS = { GRXCLSRLCNT: 0x2e, GRXCLSRULE: 0x2f, GRXCLSRLALL: 0x30, GRXFHINDIR: 0x38 } as const;

/** The kernel's or the driver's refusal. `code` is a name such as `EOPNOTSUPP`. */
export class EthtoolError extends Error {
  readonly code: string;
  constructor(device: string, code: string) {
    super(`ethtool ${device}: the kernel answered ${code}`);
    this.name = 'EthtoolError';
    this.code = code;
  }
}

/** Asks about one device of this thread's network namespace. */
export type AskEthtool = (device: string, command: keyof typeof ETHTOOL_READS, structure: Buffer) => void;

export interface Ethtool {
  /** Sends the structure with the command in its first four bytes; the kernel writes its answer there. @throws EthtoolError */
  readonly ask: AskEthtool;
  close(): void;
}

/** @throws EthtoolError when there is no socket to be had */
export function openEthtool(): Ethtool {
  const fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new EthtoolError('socket', getSystemErrorName(-errno()));
  return {
    ask: (device, command, structure) => {
      structure.writeUInt32LE(ETHTOOL_READS[command], 0);
      const request = Buffer.alloc(IFREQ);
      request.write(device, 0, NAME - 1, 'latin1');
      request.writeBigUInt64LE(addressOf(structure), NAME);
      if (ioctl(fd, SIOCETHTOOL, request) < 0) throw new EthtoolError(device, getSystemErrorName(-errno()));
    },
    close: () => void close(fd),
  };
}
