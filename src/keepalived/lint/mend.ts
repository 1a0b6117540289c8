/** Safe mends: edits put into the texts of files, and what they change as a unified diff. */
import { type Edit, lineOf, type Source } from '../read/source.ts';
import { shown } from './format.ts';

/** A file with its mends in it. */
export interface Mended {
  readonly source: Source;
  readonly text: string;
}

/** The files that edits change, each with all of its edits; of edits that overlap the first one counts. */
export function applyEdits(edits: readonly Edit[]): Mended[] {
  const bySource = new Map<string, { source: Source; edits: Edit[] }>();
  for (const edit of edits) {
    const { source } = edit.at;
    const known = bySource.get(source.path) ?? { source, edits: [] };
    known.edits.push(edit);
    bySource.set(source.path, known);
  }
  return [...bySource.values()].map(({ source, edits: own }) => ({ source, text: edited(source, own) }));
}

function edited(source: Source, edits: readonly Edit[]): string {
  const byLine = Map.groupBy(edits, ({ at }) => at.line);
  const lines = source.text.split('\n');
  const kept = lines.flatMap((line, i) => {
    const own = byLine.get(i + 1);
    if (own === undefined) return [line];
    const changed = editedLine(line, own);
    return changed.trim() === '' && own.some(({ dropBlank }) => dropBlank === true) ? [] : [changed];
  });
  return kept.join('\n');
}

function editedLine(line: string, edits: readonly Edit[]): string {
  let from = 0;
  let result = '';
  for (const { at, text } of edits.toSorted((a, b) => a.at.column - b.at.column)) {
    if (at.column - 1 < from) continue;
    result += line.slice(from, at.column - 1) + text;
    from = at.end - 1;
  }
  return result + line.slice(from);
}

/** Lines around a change. */
const AROUND = 3;

/**
 * What mends change in a file, as `diff -u` prints it; lines are changed one for one or left out. Passwords of lines around are
 * masked. Empty when nothing is changed.
 */
export function unifiedDiff({ source, text }: Mended, edits: readonly Edit[]): string {
  if (text === source.text) return '';
  const touched = Map.groupBy(
    edits.filter(({ at }) => at.source.path === source.path),
    ({ at }) => at.line,
  );
  const total = source.text.split('\n').length - (source.text.endsWith('\n') ? 1 : 0);
  const hunks: string[] = [];
  let moved = 0;
  for (const [first, last] of ranges(
    [...touched.keys()].sort((a, b) => a - b),
    total,
  )) {
    const body: string[] = [];
    let added = 0;
    for (let line = first; line <= last; line++) {
      const raw = lineOf(source, line);
      const own = touched.get(line);
      if (own === undefined) body.push(` ${shown(raw)}`);
      else {
        const changed = editedLine(raw, own);
        body.push(`-${raw}`);
        if (changed.trim() === '' && own.some(({ dropBlank }) => dropBlank === true)) added--;
        else body.push(`+${changed}`);
      }
    }
    const length = last - first + 1;
    hunks.push(`@@ -${first},${length} +${first + moved},${length + added} @@\n${body.join('\n')}\n`);
    moved += added;
  }
  return `--- ${source.path}\n+++ ${source.path}\n${hunks.join('')}`;
}

/** Touched lines with those around them, joined where they meet. */
function ranges(lines: readonly number[], total: number): [first: number, last: number][] {
  const found: [number, number][] = [];
  for (const line of lines) {
    const [first, last] = [Math.max(1, line - AROUND), Math.min(total, line + AROUND)];
    const before = found.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = last;
    else found.push([first, last]);
  }
  return found;
}
