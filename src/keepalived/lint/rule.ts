/** What a rule of the linter is, and what it finds. */
import type { Config } from '../config/config.ts';
import type { Edit, Span } from '../read/source.ts';

export const SEVERITIES = ['error', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A place where a rule finds something. */
export interface Mark {
  readonly at: Span;
  /** What is there, with its values. */
  readonly message: string;
  /** The mend, when there is one that is safe. */
  readonly edit?: Edit;
}

/** What a rule may ask of the machine. */
export interface Host {
  readonly interfaces: ReadonlySet<string>;
  /** IP addresses in their usual form. */
  readonly addresses: ReadonlySet<string>;
  /** Why a program can not be run; undefined when it can, or when it was not looked at. */
  readonly refusalOf: (program: string) => string | undefined;
}

/** One file, or one of each node. */
export type Example = string | readonly string[];

export interface Rule {
  /** Short, in kebab case; never changes. */
  readonly code: string;
  readonly severity: Severity;
  /** What is wrong, in a few words. */
  readonly title: string;
  /** Why it matters, in one sentence. */
  readonly why: string;
  /** How to mend it. */
  readonly fix: string;
  /** A configuration in which it is found, and the same without it. */
  readonly wrong: Example;
  readonly right: Example;
  readonly check?: (config: Config) => Iterable<Mark>;
  /** Over the files of two nodes or more, each one configuration. */
  readonly across?: (nodes: readonly Config[]) => Iterable<Mark>;
  readonly onHost?: (config: Config, host: Host) => Iterable<Mark>;
}

/** What is found, by a rule, at a place. */
export interface Finding extends Mark {
  readonly rule: Rule;
}
