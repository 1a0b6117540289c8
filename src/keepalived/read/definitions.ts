/** `$NAME` and `${NAME}`: definitions of a configuration and what stands for them in a line. */
import { MOST_LINE, MOST_REPLACED } from './limits.ts';
import type { Line, Span } from './source.ts';

/** A definition: its lines as written; more than one when they end in `\`. */
export interface Definition {
  readonly name: string;
  readonly at: Span;
  readonly lines: Line[];
}

/** Definitions that keepalived brings along (set_std_definitions), of which the value is not known before it runs. */
export const AT_RUN_TIME: ReadonlySet<string> = new Set(['_PWD', '_INSTANCE', '_RANDOM', '_ENV']);
const FIXED: Readonly<Record<string, string>> = { _HASH: '#', _BANG: '!' };
const USE = /\$(?:([A-Za-z_]\w*)(?=[ \t,)]|$)|\{([A-Za-z_]\w*)(?:[ ]+[^}]*)?\})/g;

export interface Replaced {
  readonly line: Line;
  /** Lines of a definition of several, which follow. */
  readonly rest: readonly Line[];
  /** Characters that were moved for it. */
  readonly cost: number;
  readonly fails?: 'definition-loop' | 'line-too-long';
}

export class Definitions {
  readonly #byName = new Map<string, Definition>();

  /** Begins or replaces a definition. */
  set(name: string, at: Span, lines: Line[]): Definition {
    const definition = { name, at, lines };
    this.#byName.set(name, definition);
    return definition;
  }

  /**
   * Puts in the values of a line's variables, those of the values too. A value of several lines is put in at the end of a line
   * only; a variable that is not defined stays as it is.
   */
  replace(line: Line): Replaced {
    let { text } = line;
    let columns = line.columns;
    let rest: readonly Line[] = [];
    let unclear = false;
    let replaced = 0;
    let cost = 0;
    let from = 0;
    for (;;) {
      USE.lastIndex = from;
      const use = USE.exec(text);
      if (use === null) break;
      const start = use.index;
      const end = start + use[0].length;
      const name = use[1] ?? use[2]!;
      const value = this.#value(name, end === text.length);
      if (value === undefined) {
        unclear = true;
        from = end;
        continue;
      }
      if (++replaced > MOST_REPLACED) return { line, rest: [], cost, fails: 'definition-loop' };
      if (text.length - use[0].length + value.text.length > MOST_LINE) return { line, rest: [], cost, fails: 'line-too-long' };
      cost += text.length + value.text.length;
      columns = spliced(columns, text.length, { start, end, length: value.text.length });
      text = text.slice(0, start) + value.text + text.slice(end);
      if (value.rest.length > 0) rest = [...value.rest, ...rest];
      from = start;
    }
    return { line: { ...line, text, columns, unclear }, rest, cost };
  }

  #value(name: string, atEnd: boolean): { text: string; rest: readonly Line[] } | undefined {
    const definition = this.#byName.get(name);
    if (definition === undefined) {
      const fixed = Object.hasOwn(FIXED, name) ? FIXED[name] : undefined;
      return fixed === undefined ? undefined : { text: fixed, rest: [] };
    }
    const [first, ...rest] = definition.lines;
    if (rest.length > 0 && !atEnd) return undefined;
    return { text: first?.text ?? '', rest };
  }
}

/** Where characters stand after a part of a line was replaced: those put in stand where the variable does. */
function spliced(
  columns: Line['columns'],
  length: number,
  part: { readonly start: number; readonly end: number; readonly length: number },
): number[] {
  const after = length - part.end;
  const all = Array<number>(part.start + part.length + after);
  const before = (i: number) => (typeof columns === 'number' ? columns + i : columns[i]!);
  const at = before(part.start);
  for (let i = 0; i < part.start; i++) all[i] = before(i);
  all.fill(at, part.start, part.start + part.length);
  for (let i = 0; i < after; i++) all[part.start + part.length + i] = before(part.end + i);
  return all;
}
