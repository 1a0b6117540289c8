/** `fourlane keepalived snippet`: the lines that let evidence of fourlane steer keepalived's VRRP. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { loadPlanFile } from '../config/load.ts';
import { readConfig } from '../keepalived/config/config.ts';
import { asText } from '../keepalived/lint/format.ts';
import { lint, type NodeText } from '../keepalived/lint/lint.ts';
import type { Finding } from '../keepalived/lint/rule.ts';
import { additionsTo, type Evidence } from '../keepalived/steer/additions.ts';
import { isEmpty, merged, snippetText, withTexts } from '../keepalived/steer/snippet.ts';
import { FourlaneError } from '../model/errors.ts';
import type { ActuatorSpec, Plan } from '../model/plan.ts';
import { resolveRules } from '../model/rules.ts';
import { nodeOf } from './keepalived-file.ts';
import { isForUser, type Output, terminal } from './output.ts';

const CONFIG = '/etc/fourlane.yaml';
const KEEPALIVED = '/etc/keepalived/keepalived.conf';

const HELP = `Usage: fourlane keepalived snippet --peer-priority N [options]

Prints what to add to keepalived.conf so that its VRRP fails over on the verdicts of fourlane: track files of the NICs
(onFail) and of the load balancer (onIsolated), with weights that cross the priority of the other node. Looks for mistakes
in the result, and changes nothing.

  --peer-priority N       priority of the instances on the other node; of several nodes, the next one's
  --peer-priority NAME=N  the same of one instance; may be repeated
  --config FILE           fourlane's configuration; default ${CONFIG}
  --keepalived FILE       keepalived's; default: that of import.keepalived, or ${KEEPALIVED}

Exit status: 0 there is something to add, or nothing left to add; 1 it can't be worked out for an instance; 2 the result
has mistakes that the file does not have by itself.

Example: fourlane keepalived snippet --peer-priority 100
`;

/** Runs the command; resolves to the exit status. */
export async function keepalivedCommand(argv: readonly string[], output: Output = terminal): Promise<number> {
  try {
    return await run(argv, output);
  } catch (error) {
    if (!isForUser(error)) throw error;
    output.err(`fourlane: ${error.message}\n`);
    return 1;
  }
}

async function run(argv: readonly string[], { out, err }: Output): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c', default: CONFIG },
      keepalived: { type: 'string' },
      'peer-priority': { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  if (positionals.join(' ') !== 'snippet') throw new FourlaneError('USAGE', `ask for: keepalived snippet\n\n${HELP.trimEnd()}`);
  const peerOf = prioritiesOf(values['peer-priority']);
  const plan = loadPlanFile(values.config, { hostname: hostname() });
  const { evidence, unusable } = evidenceOf(plan);
  for (const text of unusable) err(`${text}\n`);
  if (evidence.length === 0)
    throw new FourlaneError(
      'USAGE',
      `${values.config} has no trackFile that keepalived could follow; write for example\n` +
        'nics: [{name: eth2, onFail: [{trackFile: {path: /run/fourlane/eth2}}]}]\n' +
        'onIsolated: [{trackFile: {path: /run/fourlane/isolated}}]',
    );
  const node = await nodeOf(values.keepalived ?? plan.imports?.file ?? KEEPALIVED, undefined);
  const config = readConfig(node.path, node.text, node.files === undefined ? {} : { files: node.files });
  const unknown = config.instances.find(({ name, basePriority, nopreempt }) =>
    [peerOf(name), basePriority === 255 || undefined, nopreempt].every((known) => known === undefined),
  );
  if (config.instances.length === 0) throw new FourlaneError('USAGE', `${node.path} has no vrrp_instance: nothing to steer`);
  if (unknown !== undefined)
    throw new FourlaneError('USAGE', `the priority of ${unknown.name} on the other node is not known: add --peer-priority N`);
  const additions = additionsTo(config, { evidence, mostNics: mostNics(plan), peerOf, fifo: fifoOf(plan) });
  out(snippetText(config, additions));
  if (isEmpty(additions)) out(`# ${node.path} has all that it can use.\n`);
  const status = told(mistakes(node, merged(config, additions)), node.path, out);
  return additions.trackings.some(({ unsolved }) => unsolved) ? Math.max(1, status) : status;
}

/** @throws FourlaneError for what is no priority */
function prioritiesOf(words: readonly string[]): (instance: string) => number | undefined {
  const known = new Map<string, number>();
  for (const text of words) {
    const [, name = '', digits = ''] = /^(?:(.*)=)?(\d{1,3})$/.exec(text) ?? [];
    const priority = Number(digits);
    if (!(priority >= 1 && priority <= 255))
      throw new FourlaneError('USAGE', `--peer-priority: found ${text}; allowed: 1 to 255, or NAME=1 to NAME=255`);
    known.set(name, priority);
  }
  return (instance) => known.get(instance) ?? known.get('');
}

/** The first file of each NIC, and that of the load balancer. */
function evidenceOf({ nics, onIsolated = [] }: Plan): {
  readonly evidence: readonly Evidence[];
  readonly unusable: readonly string[];
} {
  const evidence: Evidence[] = [];
  const unusable: string[] = [];
  const add = (nic: string, specs: readonly ActuatorSpec[]) => {
    const spec = specs.find(({ type }) => type === 'trackFile');
    if (spec === undefined) return;
    const { path, ok, failed } = spec;
    if (ok === 0 && failed === 1) evidence.push({ nic, path: String(path) });
    else
      unusable.push(
        `${String(path)} is left out: it holds ${String(ok)} and ${String(failed)}; with 0 and 1 the weight alone decides`,
      );
  };
  for (const { name, onFail } of nics) add(name, onFail);
  add('', onIsolated);
  return { evidence, unusable };
}

/** The governor never takes out more (R12). */
function mostNics({ nics, rules }: Plan): number {
  return Math.min(nics.length - 1, Math.floor(nics.length * resolveRules(rules).max_nics_fraction));
}

function fifoOf({ collectors: { keepalived } }: Plan): string | undefined {
  const fifo = keepalived === undefined || keepalived === false ? undefined : keepalived['fifo'];
  return typeof fifo === 'string' ? fifo : undefined;
}

/** What the linter finds in the merged files and not in those that are there. */
function mistakes(node: NodeText, texts: ReadonlyMap<string, string>): readonly Finding[] {
  const { files } = node;
  const text = texts.get(node.path) ?? node.text;
  const included =
    files === undefined ? {} : { files: (...asked: Parameters<typeof files>) => withTexts(files(...asked), texts) };
  const key = ({ rule, message }: Finding) => `${rule.code} ${message.replace(/\bline \d+/g, 'line')}`;
  const before = new Set(lint([node]).map(key));
  return lint([{ path: node.path, text, ...included }]).filter((finding) => !before.has(key(finding)));
}

function told(found: readonly Finding[], path: string, out: Output['out']): number {
  if (found.length === 0) {
    out(`\n# These lines bring no mistake into ${path}; those that it has by itself: fourlane lint ${path}\n`);
    return 0;
  }
  out(`\n# With these lines fourlane lint finds in ${path}, and not without them:\n`);
  out(
    found
      .map((finding) => `${asText(finding)}\n`)
      .join('')
      .replace(/^(?=.)/gm, '# '),
  );
  return found.some(({ rule }) => rule.severity !== 'info') ? 2 : 0;
}
