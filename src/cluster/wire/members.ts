/** Who the members of an etcd are, and how one of them is. */
import { bytesOf, decode, idOf, numberOf, textOf } from './decode.ts';

export interface EtcdMember {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/** The answer to MemberList, whose request is empty. @throws WireError */
export function readMembers(bytes: Buffer): readonly EtcdMember[] {
  const members: EtcdMember[] = [];
  decode(bytes, (number, value) => {
    if (number === 2) members.push(readMember(bytesOf(value)));
  });
  return members;
}

function readMember(bytes: Buffer): EtcdMember {
  const [peerUrls, clientUrls]: [string[], string[]] = [[], []];
  const member = { id: 0n, name: '', peerUrls, clientUrls };
  decode(bytes, (number, value) => {
    if (number === 1) member.id = idOf(value);
    else if (number === 2) member.name = textOf(value);
    else if (number === 3) peerUrls.push(textOf(value));
    else if (number === 4) clientUrls.push(textOf(value));
  });
  return member;
}

export interface EtcdStatus {
  readonly version: string;
  /** Bytes of the file. */
  readonly dbSize: number;
  /** 0n: there is none. */
  readonly leader: bigint;
}

/** The answer to Status, whose request is empty. Patched versions give it to root only. @throws WireError */
export function readStatus(bytes: Buffer): EtcdStatus {
  const status = { version: '', dbSize: 0, leader: 0n };
  decode(bytes, (number, value) => {
    if (number === 2) status.version = textOf(value);
    else if (number === 3) status.dbSize = numberOf(value);
    else if (number === 4) status.leader = idOf(value);
  });
  return status;
}
