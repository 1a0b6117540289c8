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

/** What one input may take, ms: far more than most do, but no hang. One that includes 2 000 files takes a second. */
const LONGEST_MS = 2000;

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
    const cost = () => {
      const begun = cpuMs();
      try {
        read(text, inputs % 10 === 0);
      } catch (error) {
        throw new Error(`input ${inputs} of seed ${seed}: ${JSON.stringify(text)}`, { cause: error });
      }
      return cpuMs() - begun;
    };
    let took = cost();
    // Once it may be the collection of what the inputs before it left.
    if (took >= LONGEST_MS) took = cost();
    slowestMs = Math.max(slowestMs, took);
    assert.ok(took < LONGEST_MS, `input ${inputs} of seed ${seed} took ${took} ms: ${JSON.stringify(text)}`);
  }
  return { inputs, slowestMs };
}

function read(text: string, linted: boolean): void {
  const files = (pattern: string) => (pattern.length > 3 ? [{ path: `/x/${pattern}`, text: text.slice(0, 200) }] : []);
  readConfig('k', text, { files });
  if (!linted) return;
  const findings = lint([
    { path: 'k', text, files },
    { path: 'l', text: text.slice(7) },
  ]);
  for (const { at, message } of findings) assert.ok(at.line >= 1 && at.column >= 1 && at.end > at.column && message !== '');
  applyEdits(findings.flatMap(({ edit }) => edit ?? []));
}
