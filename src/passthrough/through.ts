/**
 * P3: what an echo behind a VIP says of the connection that it was asked on. Nothing is injected, so every mode can be seen.
 * Pure.
 */
import { isIP } from 'node:net';
import { canonicalV6 } from '../model/address.ts';
import type { ClientAnswer, NoAnswer } from '../sys/as-client.ts';
import type { Verified } from './findings.ts';

/** How a request of a verification ended. */
export type ThroughAnswer = ClientAnswer | NoAnswer;

const MAPPED = '::ffff:';

interface Echoed {
  readonly address: string;
  /** The number right after it, if there is one. */
  readonly port: number | undefined;
}

/** Addresses in a body, in their order. */
function echoedIn(body: string): readonly Echoed[] {
  const words = body.split(/[\s,;="']+/);
  return words.flatMap((word, k): Echoed[] => {
    const joined = /^\[([^\]]+)\](?::(\d+))?$/.exec(word) ?? /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(word);
    const text = joined?.[1] ?? word;
    if (isIP(text) === 0) return [];
    const after = joined?.[2] ?? words[k + 1] ?? '';
    return [{ address: canonical(text), port: /^\d+$/.test(after) ? Number(after) : undefined }];
  });
}

function canonical(text: string): string {
  const plain = text.toLowerCase().startsWith(MAPPED) && text.includes('.') ? text.slice(MAPPED.length) : text;
  return isIP(plain) === 6 ? canonicalV6(plain) : plain;
}

/** @param isSnat whether an address is one that load balancers of this cluster use towards real servers */
export function judgeAnswer(answer: ThroughAnswer, isSnat: (address: string) => boolean): Verified {
  if (!('status' in answer)) {
    const { handshake } = answer;
    const found = handshake === undefined ? 'the VIP does not answer' : `TLS with the VIP fails: ${handshake}`;
    return { level: 'P3', cause: 'unreachable', found };
  }
  const { status, body, localAddress, localPort } = answer;
  if (status !== 200) return { level: 'P3', cause: 'no_echo', found: `the echo behind the VIP answers ${status}, needs 200` };
  const echoed = echoedIn(body);
  const [first] = echoed;
  if (first === undefined) return { level: 'P3', cause: 'empty', found: 'the echo behind the VIP has no address' };
  const own = echoed.find(({ address }) => address === canonical(localAddress));
  if (own === undefined) {
    const { address } = first;
    if (isSnat(address))
      return {
        level: 'P3',
        cause: 'load_balancer',
        found: `real servers see ${address} of the SNAT pool: the address of clients is lost (TOA: its module; PROXY: real_ip)`,
      };
    const found = `real servers see ${address} instead of ${localAddress}: a SNAT address that snat.pool lacks, or a NAT between`;
    return { level: 'P3', cause: 'other', found };
  }
  if (own.port !== undefined && own.port !== localPort)
    return {
      level: 'P3',
      cause: 'port',
      found: `real servers see port ${own.port} instead of ${localPort}: a NAT before the VIP`,
    };
  return { level: 'P3', found: `real servers see ${localAddress}, the client that asked` };
}

/** The verdict on several requests from several ports, which are several cores: the worst, with how many had it. */
export function judgeThrough(answers: readonly ThroughAnswer[], isSnat: (address: string) => boolean): Verified {
  const judged = answers.map((answer) => judgeAnswer(answer, isSnat));
  const worst = judged.find(({ cause }) => cause !== undefined && cause !== 'unreachable') ?? judged.find(({ cause }) => cause);
  if (worst === undefined) return judged[0]!;
  const same = judged.filter(({ cause }) => cause === worst.cause).length;
  return { ...worst, found: `${worst.found} (${same} of ${judged.length} connections)` };
}
