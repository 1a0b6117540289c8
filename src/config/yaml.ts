/** The full YAML 1.2 parser with positions: used when the fast reader gives up, and to locate a defect. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Document,
  visit,
} from 'yaml';
import { type Issue, type Problem, pathText } from './problem.ts';
import { secretKeys } from './secrets.ts';

/** A parsed file: its value, or the syntax problems that prevent one. */
export interface SourceFile {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Where an issue is. */
  locate(issue: Issue): Problem;
}

/** Parses with positions. Never throws: what is no YAML, or more than one document, is a problem. */
export function parseYaml(text: string): SourceFile {
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const at = (offset: number, message: string): Problem => ({ ...place(offset), path: '', message });
  const failed = (problems: readonly Problem[]): SourceFile => ({ value: undefined, problems, locate: () => problems[0]! });

  let documents: readonly Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      version: '1.2',
      schema: 'core',
      ...LINEAR,
    });
    documents = Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    if (error instanceof RangeError) return failed([at(0, TOO_DEEP)]);
    throw error;
  }
  const [document, second] = documents;
  // Asked only of a file with a mistake: it needs the whole schema.
  const quotes = () => !mentionsSecrets(text);
  if (!document || document.contents === null) {
    return failed(
      document?.errors.length
        ? syntax(document, at, quotes)
        : [at(0, 'the file is empty; it needs at least "nics" and "services"')],
    );
  }
  const problems = [...syntax(document, at, quotes), ...unusable(document, at, quotes)];
  if (second) problems.push(at(second.range[0], 'a second YAML document begins here; a config file holds one: remove the "---"'));
  if (problems.length > 0) return failed(problems);
  try {
    return {
      value: document.toJS({ maxAliasCount: 100 }),
      problems,
      locate: (issue) => ({ ...place(offsetOf(document, issue)), path: pathText(issue), message: issue.message }),
    };
  } catch (error) {
    const why = (error as Error).message;
    const excessive = /alias/i.test(why);
    return failed([
      at(0, excessive ? 'aliases ("*name") expand to too much; write the values out, or use a named check profile' : why),
    ]);
  }
}

/** The parser compares each key with all before it: minutes for a mapping of some ten thousand. `unusable` looks for them. */
const LINEAR = { uniqueKeys: false } as const;

const TOO_DEEP = 'lists or mappings are nested too deeply';

const EXPLANATIONS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab is used for indentation; YAML allows only spaces',
  BAD_ALIAS: 'a bad alias or anchor; quote text that begins with * or &',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line; a colon or a space after it is missing',
  BLOCK_AS_IMPLICIT_KEY:
    'a mapping begins where a value stands already; quote a value that holds ": ", or put the key on its own line',
  MISSING_CHAR: 'a closing quote, bracket, brace, comma or colon is missing',
  BAD_INDENT: 'wrong indentation; lines of one mapping or list begin in the same column',
};

type Place = (offset: number, message: string) => Problem;

/**
 * The parser's messages quote the file. Where a value that is no YAML belongs can't be known, so a file with secrets is not
 * quoted.
 */
function mentionsSecrets(text: string): boolean {
  return [...secretKeys()].some((key) => text.includes(key));
}

/** The parser's errors and warnings (an unknown tag is one), one for each place. */
function syntax(document: Document.Parsed, at: Place, quotes: () => boolean): Problem[] {
  const problems = new Map<number, Problem>();
  for (const { code, pos, message } of [...document.errors, ...document.warnings]) {
    if (/call stack/.test(message)) return [at(pos[0], TOO_DEEP)];
    const explained = EXPLANATIONS[code];
    if (!problems.has(pos[0])) {
      const detail = quotes() ? message : code.toLowerCase().replaceAll('_', ' ');
      problems.set(pos[0], at(pos[0], explained === undefined ? `not valid YAML: ${detail}` : `${explained} (${detail})`));
    }
  }
  return [...problems.values()];
}

const TWICE = 'the same key stands twice in one mapping; remove one of them';
const MERGE = 'merge keys ("<<") are not part of YAML 1.2; write the keys out, or use a named check profile';

/** What parses but means nothing here. */
function unusable(document: Document.Parsed, at: Place, quotes: () => boolean): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = (key as Node & { value?: unknown })?.value;
        if (name === '<<') problems.push(at(startOf(key, 0), MERGE));
        else if (name === '__proto__') problems.push(at(startOf(key, 0), 'a key "__proto__" has no meaning; remove it'));
        else if (isScalar(key) && seen.has(name)) problems.push(at(startOf(key, 0), TWICE));
        seen.add(name);
      }
    },
    Alias(_, alias) {
      if (!alias.resolve(document))
        problems.push(at(startOf(alias, 0), `there is no anchor${quotes() ? ` "&${alias.source}"` : ''} before this alias`));
    },
  });
  return problems;
}

/** Offset of what the issue is about; where it does not exist, of the nearest thing around it. */
function offsetOf(document: Document.Parsed, { path, key }: Issue): number {
  let node: unknown = document.contents;
  let offset = startOf(node, 0);
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(
        (item) => String((item.key as Node & { value?: unknown })?.value) === String(part),
      );
      if (!pair) return offset;
      offset = startOf(pair.key, offset);
      const isLast = depth === path.length - 1;
      if (!(isLast && key)) offset = startOf(pair.value, offset);
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number' && part < node.items.length) {
      node = node.items[part];
      offset = startOf(node, offset);
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: unknown, otherwise: number): number {
  const range = (node as Node | null)?.range;
  // An empty value has a range of no length somewhere behind its key: the key is the better place.
  return range && range[1] > range[0] ? range[0] : otherwise;
}
