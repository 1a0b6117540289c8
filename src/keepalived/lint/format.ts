/** How findings are printed: for people, as JSON, for GitHub, as SARIF. */
import { plainLine } from '../../model/plain-text.ts';
import { lineOf } from '../read/source.ts';
import type { Finding, Rule, Severity } from './rule.ts';

/** What `--format json` prints of a finding. */
export interface FindingJson {
  readonly code: string;
  readonly severity: Severity;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly why: string;
  readonly fix: string;
}

export function asJson({ rule: { code, severity, why, fix }, at, message }: Finding): FindingJson {
  return { code, severity, file: at.source.path, line: at.line, column: at.column, message, why, fix };
}

const SECRET = /^(\s*(?:auth_pass|password|key\s+\S+)\s+)(.*)$/;

/** A line of a configuration that may be shown: without its password. */
export function shown(line: string): string {
  const match = SECRET.exec(line);
  return match === null ? line : match[1]! + match[2]!.replace(/[^\s{}]/g, '*');
}

/** A finding for people: place, the line with a caret, why and how to mend it. */
export function asText({ rule, at, message }: Finding): string {
  const { code, severity, why, fix } = rule;
  const quoted = plainLine(shown(lineOf(at.source, at.line)).replaceAll('\t', ' ').slice(0, MOST_QUOTED));
  const margin = String(at.line);
  const length = Math.max(1, Math.min(at.end, quoted.length + 1) - at.column);
  const caret =
    at.column > MOST_QUOTED ? '' : `${' '.repeat(margin.length)} | ${' '.repeat(at.column - 1)}${'^'.repeat(length)}\n`;
  const from = at.source.includedFrom;
  const included = from === undefined ? '' : `  included from ${plainLine(from.source.path)}:${from.line}\n`;
  return (
    `${plainLine(at.source.path)}:${at.line}:${at.column}: ${severity} ${code}: ${plainLine(message)}\n` +
    `${margin} | ${quoted}\n${caret}${included}  why: ${why}\n  fix: ${fix}\n`
  );
}

const MOST_QUOTED = 160;

const COMMANDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'notice' };

/** A workflow command of GitHub Actions. */
export function asGithub({ rule, at, message }: Finding): string {
  const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  const place = `file=${property(at.source.path)},line=${at.line},col=${at.column},endColumn=${at.end}`;
  const text = data(`${message}. ${rule.why} To mend it: ${rule.fix}.`);
  return `::${COMMANDS[rule.severity]} ${place},title=${rule.code}::${text}\n`;
}

const LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };

/** SARIF 2.1.0, with the rules that found something. @param version of fourlane */
export function asSarif(findings: readonly Finding[], version: string): unknown {
  const rules = [...new Set(findings.map(({ rule }) => rule))];
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'fourlane lint', version, rules: rules.map(sarifRule) } },
        columnKind: 'utf16CodeUnits',
        results: findings.map(({ rule, at, message }) => ({
          ruleId: rule.code,
          ruleIndex: rules.indexOf(rule),
          level: LEVELS[rule.severity],
          message: { text: message },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: at.source.path.split('/').map(encodeURIComponent).join('/') },
                region: { startLine: at.line, startColumn: at.column, endColumn: at.end },
              },
            },
          ],
        })),
      },
    ],
  };
}

function sarifRule({ code, title, why, fix, severity }: Rule): unknown {
  return {
    id: code,
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: { text: fix },
    defaultConfiguration: { level: LEVELS[severity] },
  };
}
