/** The statements of a configuration, as a tree of blocks. */
import type { Keyword } from '../catalogue/kinds.ts';
import type { Line, Span, Word } from './source.ts';

/** A keyword and what stands behind it; in a block of values, a line of words. */
export interface Statement {
  /** Its first word. */
  readonly keyword: Word;
  /** The words after it, as the first tokeniser parts them. */
  readonly args: Word[];
  readonly line: Line;
  /** What the catalogue has under its name, or under the name it is taken to mean. */
  readonly spec: Keyword | undefined;
  /** Its name in the catalogue: what was meant when it is misspelt; the word itself when nothing fits. */
  readonly name: string;
  block?: Block;
}

export interface Block {
  /** `root`, a block of the catalogue, `values`, or `unknown`: of a keyword that is not known, so that nothing in it is. */
  readonly kind: string;
  readonly owner: Statement | undefined;
  readonly statements: Statement[];
  /** Where it begins: its brace, or the keyword when that is missing; undefined for the root. */
  readonly open?: Span;
  close?: Span;
}

/** The statements of a block that mean this keyword, in order. */
export function statementsOf(block: Block | undefined, name: string): Statement[] {
  return block?.statements.filter((statement) => statement.name === name) ?? [];
}

/** The one that counts: the first or the last, as the catalogue says. */
export function statementOf(block: Block | undefined, name: string): Statement | undefined {
  let found: Statement | undefined;
  for (const statement of block?.statements ?? []) {
    if (statement.name !== name) continue;
    found = statement;
    const again = statement.spec?.again;
    if (again === 'first wins' || again === 'refused') break;
  }
  return found;
}

/** Every statement of a block and of the blocks in it, in order. */
export function* everyStatement(block: Block): Generator<Statement> {
  for (const statement of block.statements) {
    yield statement;
    if (statement.block !== undefined) yield* everyStatement(statement.block);
  }
}

/** The whole of a statement on its line, as a place. */
export function extentOf({ keyword, args }: Statement): Span {
  const last = args.at(-1);
  return last === undefined || last.line !== keyword.line ? keyword : { ...keyword, end: last.end };
}
