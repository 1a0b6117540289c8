/** What a routing daemon can be asked to do with its sessions: one value in `speakers.ts` for each kind. */
import type { AddressFamily } from '../model/plan.ts';

/** A session as whoever acts on it needs it. */
export interface SpokenSession {
  readonly vrf: string;
  /** Address, or interface of an unnumbered session. */
  readonly peer: string;
  /** Families that it carries, as configured. */
  readonly families: readonly AddressFamily[];
  readonly established: boolean;
  /** Shut here, by whomever. */
  readonly shut: boolean;
  /** What it was shut with here; absent: without a text. */
  readonly text?: string;
}

/** Sockets of the daemons that may be there. */
export interface Sockets {
  /** Directory of FRR's vty sockets, or none. */
  readonly frr: string | false;
  /** BIRD's control socket, or none. */
  readonly bird: string | false;
}

/** A daemon whose sessions may be shut. Everything rejects with SocketError or an answer that is not as it should be. */
export interface Speaker {
  readonly daemon: 'bgpd' | 'bird';
  readonly path: string;
  /** Which run of it; undefined: there is no socket. */
  run(): Promise<string | undefined>;
  sessions(signal: AbortSignal): Promise<readonly SpokenSession[]>;
  /** @param text at most 128 characters of ASCII without quotes: what the peer is sent (RFC 9003) */
  shut(session: SpokenSession, text: string, signal: AbortSignal): Promise<void>;
  lift(session: SpokenSession, signal: AbortSignal): Promise<void>;
  /** Asks every peer to prefer other paths (RFC 8326). @returns whether the daemon can */
  graceful(on: boolean, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

export interface SpeakerKind {
  readonly name: keyof Sockets;
  open(socket: string): Speaker;
}

/** A daemon that refused a command, with its answer. */
export class Refused extends Error {
  constructor(where: string, command: string, answer: string) {
    super(`${where}: ${command}: ${answer.trim().slice(0, 200) || 'refused'}`);
    this.name = 'Refused';
  }
}

/** Words that a command may hold in place of a name: nothing that stands for many, and no blank. */
export const COMMAND_WORD = /^[A-Za-z0-9_.:%-]{1,64}$/;

/** Longest text that every daemon sends. */
const LONGEST_TEXT = 128;

/** A text as every daemon takes it. */
export function plainShutText(text: string): string {
  return text
    .replace(/[^A-Za-z0-9_.:,/-]+/g, ' ')
    .trim()
    .slice(0, LONGEST_TEXT);
}
