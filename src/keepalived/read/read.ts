/** A configuration from its text: files, tree and what is wrong with them. Never throws; linear in what is read. */
import type { Definition } from './definitions.ts';
import { Builder } from './builder.ts';
import type { Files } from './files.ts';
import { Lexer } from './lexer.ts';
import type { Problem, Source, Span } from './source.ts';
import type { Block } from './tree.ts';

export interface Tree {
  readonly root: Block;
  readonly problems: readonly Problem[];
  /** The file itself and what it includes, in order. */
  readonly sources: readonly Source[];
  readonly includes: readonly { readonly pattern: string; readonly at: Span }[];
  readonly definitions: readonly Definition[];
  /** Ids of `@id` lines. */
  readonly conditions: ReadonlySet<string>;
}

export interface ReadOptions {
  /** What includes find; nothing by default. */
  readonly files?: Files;
  /** What `@id` is compared with; by default every line counts, whatever its condition. */
  readonly configId?: string;
}

/** Reads a configuration. @param path of the root, as it is to be named */
export function readTree(path: string, text: string, { files = () => [], configId }: ReadOptions = {}): Tree {
  const builder = new Builder((problem) => lexer.report(problem));
  const lexer = new Lexer({ files, configId }, builder);
  lexer.readFile(path, text);
  const root = builder.finish();
  const { problems, sources, includes, definitions, conditions } = lexer;
  return { root, problems, sources, includes, definitions, conditions };
}
