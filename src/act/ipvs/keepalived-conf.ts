/**
 * Which services a keepalived.conf speaks of, as much as is needed to keep away from what it manages. What is not certain
 * (unknown variables, ranges, definitions that hold a block) counts as being named.
 */
import { type Config, readConfig } from '../../keepalived/config/config.ts';
import type { GroupEntry, Key } from '../../keepalived/config/lvs.ts';
import type { Files } from '../../keepalived/read/files.ts';
import { lineOf, type ProblemCode, type Span } from '../../keepalived/read/source.ts';

/** What a configuration contains. */
export interface Mentioned {
  /** `192.0.2.10 80`, `2001:db8::10 80`, `fwmark 7`: whatever the protocol. */
  readonly services: ReadonlySet<string>;
  /** The first line that names services in a way that is not followed here; '' when there is none. */
  readonly unclear: string;
  /** Files it includes, as written. */
  readonly includes: readonly string[];
}

/** After these, services may be missing from what was read. */
const CUTS: ReadonlySet<ProblemCode> = new Set(['definition-loop', 'generator-invalid', 'line-too-long', 'too-large'] as const);

/** Reads a configuration; never throws. @param files finds what it includes; by default nothing */
export function mentionedIn(text: string, { path = 'keepalived.conf', files }: { path?: string; files?: Files } = {}): Mentioned {
  const config = readConfig(path, text, files === undefined ? {} : { files });
  const services = new Set<string>();
  const unclear: Span[] = [];
  const note = (name: string | undefined, at: Span) => (name === undefined ? unclear.push(at) : services.add(name));
  for (const { key, statement } of config.virtualServers) {
    const isRange = /[-/]/.test(statement.args[0]?.text ?? '');
    if (key.kind !== 'group') note(isRange ? undefined : nameOf(key), statement.keyword);
  }
  for (const { entries } of config.serverGroups) for (const entry of entries) note(nameOf(entry), entry.at.keyword);
  unclear.push(...uncertain(config));
  const first = unclear[0];
  return {
    services,
    unclear: first === undefined ? '' : lineOf(first.source, first.line).trim(),
    includes: config.tree.includes.map(({ pattern }) => pattern.replaceAll('"', '')),
  };
}

/** Lines whose effect is not known, or that may hold a whole block. */
function uncertain({ tree }: Config): Span[] {
  const statements = tree.root.statements.filter(({ keyword }) => keyword.unclear).map(({ keyword }) => keyword);
  const definitions = tree.definitions.filter(({ lines }) => lines.some(({ text }) => text.includes('virtual_server')));
  const cuts = tree.problems.filter(({ code }) => CUTS.has(code));
  return [...statements, ...definitions.map(({ at }) => at), ...cuts.map(({ at }) => at)];
}

function nameOf(named: Key | GroupEntry): string | undefined {
  if (named.kind === 'fwmark') return `fwmark ${named.mark}`;
  if (named.kind === 'address') return `${named.ip} ${named.port}`;
  return named.kind === 'addresses' && named.ip === named.to ? `${named.ip} ${named.port}` : undefined;
}
