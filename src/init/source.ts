/** What a source of facts about this machine is: a value in `init/index.ts`. It looks, and changes nothing. */
import type { Host } from '../doctor/host.ts';
import type { Ports } from './ports.ts';
import type { Network } from './network.ts';
import type { FoundService, LeftOut } from './services.ts';

/** What is asked: the doctor's machine, and the environment of whoever asks. */
export interface Machine {
  readonly host: Host;
  /** Existing files that match a shell's pattern, sorted. */
  readonly paths: (pattern: string) => Promise<readonly string[]>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What sources hand on; each has some of it. */
export interface Facts {
  readonly services: readonly FoundService[];
  /** What the data plane or its configuration has and the file can't say. */
  readonly leftOut: readonly LeftOut[];
  readonly network: Network;
  readonly ports: Ports;
  /** The block of this collector, where its default does not fit. */
  readonly collectors: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Paragraphs of comment at the end of the file. */
  readonly remarks: readonly (readonly string[])[];
}

/** `absent`: not on this machine. `failed`: it is, or may be, but could not be read. */
export interface Look {
  readonly outcome: 'found' | 'absent' | 'failed';
  /** What was looked at, and what was seen; one line, the same whenever the machine is the same. */
  readonly text: string;
  readonly facts?: Partial<Facts>;
}

export interface Source {
  readonly name: string;
  /** What is looked for, for the help. */
  readonly summary: string;
  look(machine: Machine): Promise<Look>;
}
