/** Runs the rules over configurations. Pure; what the machine has is handed in. */
import { type Config, readConfig } from '../config/config.ts';
import type { Files } from '../read/files.ts';
import { lineOf, type Source } from '../read/source.ts';
import type { Finding, Host, Mark, Rule } from './rule.ts';
import { RULES } from './rules.ts';

/** One node: its root file, and how its includes are found. */
export interface NodeText {
  readonly path: string;
  readonly text: string;
  readonly files?: Files;
}

export interface LintOptions {
  /** The `@id` of every file; by default each id that a file names is tried. */
  readonly configId?: string;
  /** Codes that are left out. */
  readonly ignore?: ReadonlySet<string>;
  readonly host?: Host;
}

/** Most ids of one file that are tried. */
const MOST_IDS = 16;
/** Stands for a machine whose id the file does not name. */
const OTHER = '(another machine)';

/** A node's configurations: one, or one for each id that lines of it depend on. */
export function variantsOf({ path, text, files }: NodeText, configId: string | undefined): Config[] {
  const options = files === undefined ? {} : { files };
  if (configId !== undefined) return [readConfig(path, text, { ...options, configId })];
  const config = readConfig(path, text, options);
  const ids = [...config.tree.conditions].slice(0, MOST_IDS);
  if (ids.length === 0) return [config];
  const all = ids.length === 1 ? [...ids, OTHER] : ids;
  return all.map((id) => readConfig(path, text, { ...options, configId: id }));
}

/** What the rules find in the files of one node or more, in the order of the files and lines, each once. */
export function lint(nodes: readonly NodeText[], { configId, ignore = new Set(), host }: LintOptions = {}): Finding[] {
  const configs = nodes.map((node) => variantsOf(node, configId));
  const all = configs.flat();
  const findings = new Map<string, Finding>();
  for (const rule of RULES) {
    if (ignore.has(rule.code)) continue;
    for (const mark of marksOf(rule, all, host)) {
      const { source, line, column } = mark.at;
      const key = `${rule.code}\0${source.path}\0${line}\0${column}`;
      if (!findings.has(key) && !isSuppressed(rule.code, mark)) findings.set(key, { ...mark, rule });
    }
  }
  const order = orderOf(all);
  const rank = ({ at }: Finding) => order.get(at.source.path) ?? 0;
  return [...findings.values()].sort(
    (a, b) => rank(a) - rank(b) || a.at.line - b.at.line || a.at.column - b.at.column || (a.rule.code < b.rule.code ? -1 : 1),
  );
}

function* marksOf(rule: Rule, all: readonly Config[], host: Host | undefined): Generator<Mark> {
  if (rule.check !== undefined) for (const config of all) yield* rule.check(config);
  if (rule.onHost !== undefined && host !== undefined) for (const config of all) yield* rule.onHost(config, host);
  if (rule.across !== undefined && all.length > 1) yield* rule.across(all);
}

/** Files in the order they are read. */
function orderOf(all: readonly Config[]): Map<string, number> {
  const order = new Map<string, number>();
  for (const { tree } of all) for (const { path } of tree.sources) if (!order.has(path)) order.set(path, order.size);
  return order;
}

const SUPPRESSION = /[#!].*fourlane-lint:\s*ignore\s+([a-z0-9, -]+)/;

/** Whether a comment on the line, or alone on the line above, leaves the code out. */
function isSuppressed(code: string, { at: { source, line } }: Mark): boolean {
  return (
    ignoredOn(source, line).includes(code) ||
    (/^\s*[#!]/.test(lineOf(source, line - 1)) && ignoredOn(source, line - 1).includes(code))
  );
}

function ignoredOn(source: Source, line: number): string[] {
  const list = SUPPRESSION.exec(lineOf(source, line))?.[1] ?? '';
  return list.split(/[,\s]+/);
}
