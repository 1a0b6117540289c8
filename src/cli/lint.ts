/** `fourlane lint`: mistakes in keepalived configurations. */
import { parseArgs } from 'node:util';
import { asGithub, asJson, asSarif, asText } from '../keepalived/lint/format.ts';
import { lint, type NodeText, variantsOf } from '../keepalived/lint/lint.ts';
import { applyEdits, unifiedDiff } from '../keepalived/lint/mend.ts';
import type { Finding, Host, Rule } from '../keepalived/lint/rule.ts';
import { RULES } from '../keepalived/lint/rules.ts';
import { programsOf } from '../keepalived/lint/scripts.ts';
import { FourlaneError } from '../model/errors.ts';
import { FileError } from '../sys/files.ts';
import { interfaceNames, localAddresses, programRefusal } from '../sys/machine.ts';
import { replacePlain } from '../sys/plain-file.ts';
import { nodeOf } from './keepalived-file.ts';
import { isForUser, json, type Output, terminal } from './output.ts';
import { VERSION } from './version.ts';

/** Exit status of wrong options and of a file that is not there (sysexits.h). */
const USAGE = 64;
const NO_INPUT = 66;

const FORMATS: Readonly<Record<string, (findings: readonly Finding[]) => string>> = {
  text: (findings) => `${findings.map((finding) => `${asText(finding)}\n`).join('')}${summary(findings)}\n`,
  json: (findings) => json(findings.map(asJson)),
  github: (findings) => findings.map(asGithub).join(''),
  sarif: (findings) => json(asSarif(findings, VERSION)),
};

const HELP = `Usage: fourlane lint FILE... [options]
       fourlane lint --explain CODE

Looks for mistakes in keepalived configurations, and in what they include: what keepalived -t reports, and what it does
not. Each FILE is the configuration of one node; several are compared with each other too. Nothing is asked of keepalived.

  --format FORMAT  ${Object.keys(FORMATS).join(', ')}; default text
  --ignore CODE    leave out findings with this code; several by comma or by repeating
  --host           compare with this machine: interfaces, addresses, programs
  --config-id ID   the lines of @ID are those of this node; by default every id in the files is tried
  --fix            print what can be mended safely, as a diff
  --write          with --fix: write it into the files
  --explain CODE   why a finding matters, with a wrong and a right example

A comment leaves out findings of its line, or of the line below it: # fourlane-lint: ignore CODE

Exit status: 0 nothing but infos, 1 warnings, 2 errors, ${USAGE} wrong options, ${NO_INPUT} a FILE that can't be
read or written.

Example: fourlane lint lb1/keepalived.conf lb2/keepalived.conf
`;

/** Runs the command; resolves to the exit status. */
export async function lintCommand(argv: readonly string[], output: Output = terminal): Promise<number> {
  try {
    return await run(argv, output);
  } catch (error) {
    if (!isForUser(error) && !(error instanceof FileError)) throw error;
    output.err(`fourlane: ${error.message}\n`);
    return error instanceof FileError || error.code === 'NOT_FOUND' ? NO_INPUT : USAGE;
  }
}

async function run(argv: readonly string[], { out, err }: Output): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      format: { type: 'string', default: 'text' },
      ignore: { type: 'string', multiple: true, default: [] },
      host: { type: 'boolean', default: false },
      'config-id': { type: 'string' },
      fix: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      explain: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  if (values.explain !== undefined) {
    out(explained(ruleOf(values.explain)));
    return 0;
  }
  const format = Object.hasOwn(FORMATS, values.format) ? FORMATS[values.format] : undefined;
  if (format === undefined)
    throw new FourlaneError('USAGE', `--format: found ${values.format}; allowed: ${Object.keys(FORMATS).join(', ')}`);
  if (values.write && !values.fix) throw new FourlaneError('USAGE', '--write is for --fix: write both');
  if (positionals.length === 0) throw new FourlaneError('USAGE', `no file is named\n\n${HELP.trimEnd()}`);
  const ignore = new Set(values.ignore.flatMap((list) => list.split(',')).map((code) => ruleOf(code.trim()).code));
  const configId = values['config-id'];
  const nodes: NodeText[] = [];
  for (const path of positionals) nodes.push(await nodeOf(path, configId));
  const host = values.host ? { host: await thisMachine(nodes, configId) } : {};
  const findings = lint(nodes, { ignore, ...host, ...(configId === undefined ? {} : { configId }) });
  if (!values.fix) {
    out(format(findings));
    return statusOf(findings);
  }
  return statusOf(await mend(findings, values.write, { out, err }));
}

function ruleOf(code: string): Rule {
  const rule = RULES.find((one) => one.code === code);
  if (rule === undefined) throw new FourlaneError('USAGE', `there is no rule ${code}; docs/lint.md lists them`);
  return rule;
}

function explained({ code, severity, title, why, fix, wrong, right }: Rule): string {
  const example = (name: string, text: Rule['wrong']) =>
    (typeof text === 'string' ? [text] : text)
      .map((file, i, all) => `${name}${all.length > 1 ? `, node ${i + 1}` : ''}:\n\n${file}`)
      .join('\n');
  return `${code}: ${title} (${severity})\n\nwhy: ${why}\nfix: ${fix}\n\n${example('Wrong', wrong)}\n${example('Right', right)}`;
}

async function thisMachine(nodes: readonly NodeText[], configId: string | undefined): Promise<Host> {
  const programs = new Set(nodes.flatMap((node) => variantsOf(node, configId).flatMap(programsOf)).map(({ path }) => path));
  const refusals = new Map<string, string | undefined>();
  for (const path of programs) refusals.set(path, await programRefusal(path));
  return { interfaces: await interfaceNames(), addresses: localAddresses(), refusalOf: (program) => refusals.get(program) };
}

/** Prints or writes the safe mends. @returns the findings that stay */
async function mend(findings: readonly Finding[], write: boolean, { out, err }: Output): Promise<readonly Finding[]> {
  const mendable = findings.filter(({ edit }) => edit !== undefined);
  const edits = mendable.map(({ edit }) => edit!);
  for (const file of applyEdits(edits)) {
    out(unifiedDiff(file, edits));
    if (write) await replacePlain(file.source.path, { before: file.source.text, after: file.text });
  }
  const rest = findings.length - mendable.length;
  err(`${mendable.length} ${write ? 'mended' : 'can be mended'}, ${rest} ${rest === 1 ? 'needs' : 'need'} a decision\n`);
  return write ? findings.filter(({ edit }) => edit === undefined) : findings;
}

function statusOf(findings: readonly Finding[]): number {
  if (findings.some(({ rule }) => rule.severity === 'error')) return 2;
  return findings.some(({ rule }) => rule.severity === 'warning') ? 1 : 0;
}

function summary(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'No mistakes found.';
  const count = (severity: Rule['severity']) => findings.filter(({ rule }) => rule.severity === severity).length;
  return `${count('error')} errors, ${count('warning')} warnings, ${count('info')} infos.`;
}
