/** keepalived.conf under fuzzing: the recorded ones, changed at random, read and linted. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { lint } from '../../src/keepalived/lint/lint.ts';
import { readConfig } from '../../src/keepalived/config/config.ts';
import { applyEdits } from '../../src/keepalived/lint/mend.ts';
import { RULES } from '../../src/keepalived/lint/rules.ts';
import { Mutator } from '../attack/fuzz/mutate.ts';

/** What the lexer alone makes much of. */
const SEEDS = [
  '$A=x $B\n$B=1 \\\n two\n~SEQ(i, 1, 1, 9) ~LST({a,b}, {1,2}, {3,4}) router_id $i${a}${b}\n@lb1 include {a,b}*.conf\n',
  '\uFEFFglobal_defs { router_id "a#b" ! c\n}\r\nvirtual_server_group g {\n 10.0.0.1-9 80\n fwmark 7 inet6\n 10.0.0.0/28\n}\n',
];

function corpus(): Buffer[] {
  const recorded = globSync('test/fixtures/keepalived/conf-tests/*.conf').map((path) => readFileSync(path));
  const examples = RULES.flatMap(({ wrong }) => wrong).filter((text) => !text.includes('100000000'));
  return [...recorded, ...[...examples, ...SEEDS].map((text) => Buffer.from(text))];
}

/** Time on CPUs of this process, ms: other programs of the machine do not count. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What one input may take, ms, and more for each file that it includes, of 200 characters: up to 2 000 take half a ms each. */
const LONGEST_MS = 2000;
const OF_FILE_MS = 1;

export interface Fuzzed {
  readonly inputs: number;
  readonly slowestMs: number;
}

/**
 * Reads up to `most` mutated inputs, or until `budgetMs` have passed; each tenth is linted too, alone and beside another node.
 * Throws with the input when one makes the reader throw or takes too long.
 */
export function fuzz({ most, budgetMs, seed }: { most: number; budgetMs: number; seed: number }): Fuzzed {
  const mutator = new Mutator(corpus(), seed);
  const started = performance.now();
  let slowestMs = 0;
  let inputs = 0;
  for (; inputs < most && performance.now() - started < budgetMs; inputs++) {
    const text = mutator.next().toString('utf8');
    const begun = cpuMs();
    let included = 0;
    try {
      included = read(text, inputs % 10 === 0);
    } catch (error) {
      throw new Error(`input ${inputs} of seed ${seed}: ${JSON.stringify(text)}`, { cause: error });
    }
    const took = cpuMs() - begun;
    slowestMs = Math.max(slowestMs, took);
    const allowed = LONGEST_MS + included * OF_FILE_MS;
    assert.ok(took < allowed, `input ${inputs} of seed ${seed}, ${included} files, took ${took} ms: ${JSON.stringify(text)}`);
  }
  return { inputs, slowestMs };
}

/** @returns how many files it included */
function read(text: string, linted: boolean): number {
  let included = 0;
  const files = (pattern: string) => {
    if (pattern.length <= 3) return [];
    included++;
    return [{ path: `/x/${pattern}`, text: text.slice(0, 200) }];
  };
  readConfig('k', text, { files });
  if (!linted) return included;
  const findings = lint([
    { path: 'k', text, files },
    { path: 'l', text: text.slice(7) },
  ]);
  for (const { at, message } of findings) assert.ok(at.line >= 1 && at.column >= 1 && at.end > at.column && message !== '');
  applyEdits(findings.flatMap(({ edit }) => edit ?? []));
  return included;
}
