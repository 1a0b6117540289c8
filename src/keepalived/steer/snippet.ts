/** Additions as text to put into keepalived.conf, and the files with them in place. Pure. */
import type { Config } from '../config/config.ts';
import type { Found } from '../read/files.ts';
import type { Source, Span } from '../read/source.ts';
import type { Additions, Tracking } from './additions.ts';

const STEP = '    ';

const remark = (text: string) => `# ${text}\n`;
const place = ({ source, line }: Span) => `${source.path}:${line}`;
/** A word of keepalived.conf: quoted where a blank, a brace or a comment would end it. */
const word = (text: string) => (/[\s#!{}]/.test(text) ? `"${text}"` : text);

function definitionsText({ definitions }: Additions): string {
  return definitions.map(({ name, path }) => `track_file ${name} {\n${STEP}file ${word(path)}\n${STEP}init_file 0\n}\n`).join('');
}

function linesText({ lines }: Tracking): string {
  const rows = lines.map(({ name, weight }) => `${STEP}${STEP}${name} weight ${weight}\n`);
  return `${STEP}track_file {\n${rows.join('')}${STEP}}\n`;
}

function globalsText({ globals }: Additions): string {
  return globals.map((line) => `${STEP}${line}\n`).join('');
}

/** What to add, for people: each piece under the place where it belongs. */
export function snippetText(config: Config, additions: Additions): string {
  const { definitions, trackings, globals } = additions;
  const parts: string[] = [];
  if (globals.length > 0) {
    const [known] = config.globals;
    const head = known === undefined ? 'At the top of the file:' : `Into global_defs (${place(known.keyword)}):`;
    const text = globalsText(additions);
    parts.push(remark(head) + (known === undefined ? `global_defs {\n${text}}\n` : text));
  }
  if (definitions.length > 0)
    parts.push(remark('In front of every vrrp_instance and vrrp_sync_group:') + definitionsText(additions));
  for (const tracking of trackings) {
    const { kind, name, at, lines, remarks } = tracking;
    if (lines.length === 0 && remarks.length === 0) continue;
    const head = lines.length === 0 ? 'nothing to add' : 'before its closing brace';
    const notes = remarks.map((text) => remark(text)).join('');
    parts.push(`${remark(`${kind} ${name} (${place(at)}), ${head}:`)}${notes}${lines.length === 0 ? '' : linesText(tracking)}`);
  }
  return parts.join('\n');
}

/** Whether there is anything to add. */
export function isEmpty({ definitions, trackings, globals }: Additions): boolean {
  return definitions.length + globals.length === 0 && trackings.every(({ lines }) => lines.length === 0);
}

interface Insertion {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** The texts of the files that change, by path, with everything in its place. */
export function merged(config: Config, additions: Additions): ReadonlyMap<string, string> {
  const bySource = new Map<Source, Insertion[]>();
  const insert = ({ source, line }: Span, column: number, text: string) => {
    const all = bySource.get(source) ?? [];
    all.push({ line, column, text });
    bySource.set(source, all);
  };
  const first = config.tree.root.statements.find(({ name }) => name === 'vrrp_instance' || name === 'vrrp_sync_group');
  const [globals] = config.globals;
  const close = globals?.block?.close;
  if (close !== undefined) insert(close, close.column, globalsText(additions));
  else if (first !== undefined && additions.globals.length > 0)
    insert(first.keyword, 1, `global_defs {\n${globalsText(additions)}}\n`);
  if (first !== undefined) insert(first.keyword, 1, definitionsText(additions));
  for (const tracking of additions.trackings) {
    if (tracking.lines.length === 0 || tracking.close === undefined) continue;
    insert(tracking.close, tracking.close.column, linesText(tracking));
  }
  return new Map([...bySource].map(([source, insertions]) => [source.path, inserted(source.text, insertions)]));
}

function inserted(text: string, insertions: readonly Insertion[]): string {
  const lines = text.split('\n');
  for (const { line, column, text: added } of insertions.toSorted((a, b) => b.line - a.line || b.column - a.column)) {
    const old = lines[line - 1]!;
    const before = old.slice(0, column - 1);
    lines[line - 1] =
      `${before.trim() === '' ? '' : `${before}\n`}${added}${before.trim() === '' ? before : ''}${old.slice(column - 1)}`;
  }
  return lines.join('\n');
}

/** What includes find, with the changed texts in place. */
export function withTexts(found: readonly Found[], texts: ReadonlyMap<string, string>): readonly Found[] {
  return found.map((file) => {
    const text = texts.get(file.path);
    return text === undefined || file.text === undefined ? file : { ...file, text };
  });
}
