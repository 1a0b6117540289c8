/** Lines → tree. It goes on after an error as the author most likely meant it, so that one mistake is reported once. */
import { blocksWith, keywordOf } from '../catalogue/index.ts';
import type { Keyword } from '../catalogue/kinds.ts';
import { MOST_BLOCKS } from './limits.ts';
import { meantBy } from './meant.ts';
import { type Line, type Problem, type Span, spanIn, type Word, wordsOf } from './source.ts';
import type { Block, Statement } from './tree.ts';

/** Keywords that begin a block at the top of the file and mean nothing inside of one. */
const TOP_ONLY = new Set([
  'global_defs',
  'vrrp_instance',
  'vrrp_sync_group',
  'vrrp_script',
  'vrrp_track_process',
  'vrrp_track_file',
  'static_ipaddress',
  'static_routes',
  'static_rules',
  'bfd_instance',
  'virtual_server',
  'virtual_server_group',
]);

export class Builder {
  readonly root: Block = { kind: 'root', owner: undefined, statements: [] };
  /** Open blocks, the root first. */
  readonly #stack: Block[] = [this.root];
  /** The statement whose brace is awaited. */
  #awaiting: Statement | undefined;
  /** The statement of the line before, when a brace may follow it. */
  #last: Statement | undefined;
  /** Blocks that are open but too deep to be kept. */
  #deep = 0;
  readonly #report: (problem: Problem) => void;

  constructor(report: (problem: Problem) => void) {
    this.#report = report;
  }

  /** Takes the next line, or part of one. */
  readonly line = (line: Line): void => {
    const words = wordsOf(line);
    const first = words[0];
    if (first === undefined) return;
    if (this.#awaiting !== undefined) this.#withoutBrace(this.#awaiting, first);
    if (this.#stack.length > 1 && this.#beginsAtTop(first, words.length)) this.#missing(this.#stack.length - 1, first);
    words.shift();
    this.#statement(line, first, words);
  };

  readonly brace = (char: '{' | '}', line: Line, index: number): void => {
    const at = spanIn(line, index, index + 1);
    if (char === '{') this.#begin(at);
    else this.#end(at);
  };

  /** The end of the configuration: what is still open lacks its brace. */
  finish(): Block {
    if (this.#awaiting !== undefined) this.#withoutBrace(this.#awaiting, undefined);
    if (this.#stack.length > 1) this.#missing(this.#stack.length - 1, undefined);
    return this.root;
  }

  get #block(): Block {
    return this.#stack.at(-1)!;
  }

  #beginsAtTop(word: Word, words: number): boolean {
    return (
      TOP_ONLY.has(word.text) && !word.quoted && (words > 1 || word.text === 'global_defs' || word.text.startsWith('static_'))
    );
  }

  #begin(at: Span): void {
    const statement = this.#awaiting ?? this.#last;
    this.#last = undefined;
    if (this.#stack.length >= MOST_BLOCKS) {
      if (this.#deep++ === 0) this.#report({ code: 'too-large', at, message: `blocks are nested more than ${MOST_BLOCKS} deep` });
      return;
    }
    const kind = this.#awaiting === undefined ? 'unknown' : this.#awaiting.spec!.block!;
    if (
      this.#awaiting === undefined &&
      (statement === undefined || statement.spec !== undefined || this.#block.kind === 'values')
    ) {
      const message =
        statement === undefined ? 'no keyword stands before this brace' : `${statement.keyword.text} takes no block`;
      this.#report({ code: 'unexpected-brace', at, message });
    }
    this.#awaiting = undefined;
    const block: Block = { kind, owner: statement, statements: [], open: at };
    if (statement !== undefined) statement.block = block;
    this.#stack.push(block);
  }

  #end(at: Span): void {
    if (this.#awaiting !== undefined) this.#withoutBrace(this.#awaiting, undefined);
    this.#last = undefined;
    if (this.#deep > 0) {
      this.#deep--;
      return;
    }
    if (this.#stack.length === 1) {
      this.#report({ code: 'extra-brace', at, message: 'no block is open here', edit: { at, text: '', dropBlank: true } });
      return;
    }
    this.#stack.pop()!.close = at;
  }

  /** A block without its `{`: it is taken to be there when what follows is indented as if it were. */
  #withoutBrace(statement: Statement, next: Word | undefined): void {
    this.#awaiting = undefined;
    const { keyword } = statement;
    this.#report({ code: 'missing-open-brace', at: keyword, message: `no { follows ${keyword.text}` });
    if (next === undefined || next.source !== keyword.source || next.column <= keyword.column) return;
    const block: Block = { kind: statement.spec!.block!, owner: statement, statements: [], open: keyword };
    statement.block = block;
    this.#stack.push(block);
  }

  /** Closes blocks that lack their brace: one report, at the one that most likely does. */
  #missing(open: number, next: Word | undefined): void {
    const blocks = this.#stack.splice(this.#stack.length - open);
    const suspect = misclosedIn(blocks[0]!) ?? blocks.at(-1)!.owner;
    const at = suspect?.keyword ?? blocks[0]!.open!;
    // A block may go on in the file that is read next.
    const of = next === undefined || next.source === at.source ? '' : ` of ${next.source.path}`;
    const before = next === undefined ? 'the end of the file' : `${next.text} in line ${next.line}${of}`;
    const lacking = open - 1;
    const others = lacking > 0 ? `, and ${lacking} more around it` : '';
    this.#report({ code: 'missing-brace', at, message: `its } is missing before ${before}${others}` });
  }

  #statement(line: Line, keyword: Word, args: Word[]): void {
    const block = this.#block;
    if (block.kind === 'values' || block.kind === 'unknown') {
      this.#keep({ keyword, args, line, spec: undefined, name: keyword.text });
      return;
    }
    const known = keywordOf(block.kind, keyword.text);
    const meant = known === undefined ? this.#meant(block.kind, keyword) : keyword.text;
    const spec = known ?? (meant === undefined ? undefined : keywordOf(block.kind, meant));
    const statement = { keyword, args, line, spec, name: meant ?? keyword.text };
    if (spec === undefined) this.#keep(statement);
    else this.#parted(statement, spec);
  }

  #keep(statement: Statement): void {
    this.#block.statements.push(statement);
    this.#last = statement;
    if (statement.spec?.block !== undefined && statement.spec.removed === undefined) this.#awaiting = statement;
  }

  /** Keeps a statement; words that follow its arguments and are keywords of the block are statements of their own. */
  #parted(statement: Statement, spec: Keyword): void {
    const { args, line } = statement;
    const most = spec.more ? Number.POSITIVE_INFINITY : spec.args.length;
    if (args.length <= most) return this.#keep(statement);
    const kind = this.#block.kind;
    const extra = args[most]!;
    const isKeyword = keywordOf(kind, extra.text) !== undefined && !extra.quoted;
    if (!isKeyword) {
      const taken = most === 0 ? 'no word' : most === 1 ? 'one word' : `${most} words`;
      const message = `${statement.keyword.text} takes ${taken}: the rest is ignored`;
      const foreign = /^(\/\/|;|--|\/\*)/.test(extra.text);
      this.#report({ code: foreign ? 'foreign-comment' : 'extra-word', at: { ...extra, end: args.at(-1)!.end }, message });
      return this.#keep({ ...statement, args: args.slice(0, most) });
    }
    this.#report({
      code: 'keywords-on-one-line',
      at: extra,
      message: `${extra.text} is ignored: it is read as a word of ${statement.keyword.text}`,
    });
    this.#keep({ ...statement, args: args.slice(0, most) });
    let rest = args.slice(most);
    while (rest.length > 0) {
      const [keyword, ...words] = rest as [Word, ...Word[]];
      const next = keywordOf(kind, keyword.text);
      if (next === undefined) break;
      const count = next.more ? words.length : Math.min(words.length, next.args.length);
      this.#keep({ keyword, args: words.slice(0, count), line, spec: next, name: keyword.text });
      rest = words.slice(count);
    }
  }

  /** Reports a keyword that the block does not have. @returns what it is taken for */
  #meant(block: string, at: Word): string | undefined {
    if (at.unclear) return undefined;
    const word = at.text;
    if (/^(\/\/|;|--|\/\*|\*)/.test(word)) {
      const message = `${word.slice(0, 2)} begins no comment: only # and ! do`;
      this.#report({ code: 'foreign-comment', at, message, edit: { at: { ...at, end: at.column + 1 }, text: `# ${word[0]}` } });
      return undefined;
    }
    const meant = meantBy(block, word);
    const elsewhere = meant === undefined || meant.toLowerCase() !== word.toLowerCase() ? blocksWith(word) : [];
    if (elsewhere.length > 0) {
      const places = elsewhere.map((name) => (name === 'root' ? 'the top of the file' : name)).join(', ');
      this.#report({
        code: 'keyword-misplaced',
        at,
        message: `${word} has no meaning ${inBlock(block)}; it belongs in ${places}`,
      });
      return undefined;
    }
    // Lines that are no configuration at all, such as a script at the end of the file: the first one is enough.
    if (meant === undefined && !/^[A-Za-z]\w*$/.test(word) && this.#last?.spec === undefined && this.#last !== undefined)
      return undefined;
    const hint =
      meant !== undefined ? `; ${meant} may be meant` : block === 'vrrp_sync_group' ? '; its members stand in group { }' : '';
    const message = `${nameOf(block)} has no keyword ${word}${hint}`;
    this.#report({ code: 'keyword-unknown', at, message, ...(meant === undefined ? {} : { edit: { at, text: meant } }) });
    return meant;
  }
}

function nameOf(block: string): string {
  return block === 'root' ? 'the top of the file' : block;
}

function inBlock(block: string): string {
  return block === 'root' ? 'at the top of the file' : `in ${block}`;
}

/** The deepest first statement whose block is closed by a brace further left than it: that brace was meant for another. */
function misclosedIn(block: Block): Statement | undefined {
  for (const statement of block.statements) {
    const inner = statement.block;
    if (inner === undefined) continue;
    const deeper = misclosedIn(inner);
    if (deeper !== undefined) return deeper;
    const { keyword } = statement;
    if (inner.close !== undefined && inner.close.line !== keyword.line && inner.close.column < keyword.column) return statement;
  }
  return undefined;
}
