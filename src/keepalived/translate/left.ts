/** What a translation leaves out, and where it stands: nothing is dropped silently. */
import type { Span } from '../read/source.ts';

export interface Left {
  readonly at: Span;
  /** What it is and why it is left out, and what holds instead: `quorum 2: …`. */
  readonly message: string;
}

/** Takes notes while a configuration is translated. */
export type Note = (at: Span, message: string) => void;
