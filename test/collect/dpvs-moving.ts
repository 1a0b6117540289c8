/** The recorded DPVS with traffic: its bytes, in which the counters of real servers and ports go on with a clock. */
import { IDS } from '../../src/collect/dpvs/messages.ts';
import { type Answer, ONE_HOST, replay } from './dpvs-fake.ts';

const REPLY_HEAD = 88;
const REQUEST_HEAD = 24;
const ID = IDS.modern;

/** What has been counted by now, beyond the recording. */
export interface Traffic {
  /** Connections scheduled to each FullNAT real server, and packets sent back to clients. */
  readonly connections: () => number;
  readonly replies: () => number;
  /** Packets received and sent by a port. */
  readonly packets: (port: string) => { readonly in: number; readonly out: number };
}

function add(bytes: Buffer, at: number, by: number): void {
  bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + BigInt(Math.floor(by)), at);
}

/** Answers of the recorded host (VIPs on dpdk0, local addresses and real servers behind dpdk1), counting on. */
export function moving(traffic: Traffic): Answer {
  const recorded = replay(ONE_HOST);
  return (request) => {
    const reply = recorded(request) as Buffer | undefined;
    if (reply === undefined) return undefined;
    const id = request.readUInt32LE(4);
    const bytes = Buffer.from(reply);
    if (id === ID.DESTS) {
      for (let at = REPLY_HEAD + 144; at < bytes.length; at += 120) {
        if ((bytes[at + 28]! & 7) !== 5) continue;
        add(bytes, at + 56, traffic.connections());
        add(bytes, at + 56 + 24, traffic.replies());
      }
    }
    if (id === ID.PORT_STATS) {
      const name = request.toString('latin1', REQUEST_HEAD).split('\0')[0]!;
      const counted = traffic.packets(name);
      add(bytes, REPLY_HEAD + 8, counted.in);
      add(bytes, REPLY_HEAD + 16, counted.out);
    }
    return bytes;
  };
}
