/** The table of verdicts holds together, and a verdict costs few files. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LIMIT, LIMIT_TABLE, LIMITS } from '../../src/model/limits.ts';
import {
  AGENT_VERDICTS,
  CAUSE,
  HEADLINES,
  isFault,
  pairsOf,
  ruleOf,
  SUBJECTS,
  takesOut,
  VERDICT,
  VERDICT_CAUSES,
  VERDICT_TABLE,
  VERDICTS,
  type VerdictName,
  verdictsOf,
} from '../../src/model/verdicts.ts';

const entries = Object.entries(VERDICT_TABLE) as [VerdictName, (typeof VERDICT_TABLE)[VerdictName]][];

test('codes are 0, 1, 2 … as in state files of today, and severities have no ties', () => {
  assert.deepEqual(
    entries.map(([, entry]) => entry.code).toSorted((a, b) => a - b),
    entries.map((_, index) => index),
  );
  const plain = 'OK SUSPECT NIC_PARTIAL NIC_FAIL FLAPPING PROBE_PATH_FAULT DATA_PATH_FAULT PATH RS_DOWN RACK_FAULT';
  assert.ok(VERDICTS.join(' ').startsWith(`${plain} ALL_RS_DOWN AGENT_ISOLATED AGENT_STALLED`), 'new ones come behind them');
  assert.equal(new Set(entries.map(([, { severity }]) => severity)).size, entries.length);
  assert.deepEqual([VERDICT.OK, CAUSE.none, LIMIT.last_nic, LIMITS[0]], [0, 0, 1, '']);
});

test('NIC verdicts have rank and colour; every headline is somebody’s; rules are those of docs/attribution.md', () => {
  for (const name of verdictsOf('nic')) {
    const { rank, colour } = VERDICT_TABLE[name];
    assert.ok(rank !== undefined && colour !== undefined, name);
  }
  const ranks = verdictsOf('nic').map((name) => VERDICT_TABLE[name].rank);
  assert.equal(new Set(ranks).size, ranks.length);
  const used = new Set(entries.flatMap(([, { of }]) => SUBJECTS.map((kind) => of[kind]?.headline)));
  assert.deepEqual(
    Object.keys(HEADLINES).filter((name) => name !== 'service' && !used.has(name as keyof typeof HEADLINES)),
    [],
  );
  const documented = new Set([...readFileSync('docs/attribution.md', 'utf8').matchAll(/^\| (R\d+[a-z]?) \|/gm)].map((m) => m[1]));
  for (const kind of SUBJECTS) {
    for (const [name, cause] of pairsOf(kind)) {
      assert.ok(VERDICT_CAUSES.includes(cause));
      if (name !== 'OK') assert.ok(documented.has(ruleOf(kind, name, cause)), `${name} ${cause} by ${ruleOf(kind, name, cause)}`);
    }
  }
});

test('what takes out, what freezes, what is only forming', () => {
  const out = SUBJECTS.map((kind) => [kind, ...VERDICTS.filter((_, code) => takesOut(kind)[code] === 1)].join(' '));
  assert.deepEqual(out, ['nic NIC_FAIL FLAPPING', 'path PATH', 'rs RS_DOWN', 'rack', 'agent']);
  assert.deepEqual(AGENT_VERDICTS, ['ALL_RS_DOWN', 'AGENT_ISOLATED', 'AGENT_STALLED', 'AGENT_ILL']);
  assert.deepEqual(
    VERDICTS.filter((name) => !isFault(name)),
    ['OK', 'SUSPECT'],
  );
});

/**
 * What a further verdict touches: its row, its rule, its sentence, its thresholds, and an alert if it pages. Lists are derived.
 */
const MOST_FILES = 6;

test(`a verdict with a rule of its own is named in at most ${MOST_FILES} files of the product`, () => {
  const files = globSync(['src/**/*.ts', 'dashboards/{signals,dashboards,lib}/*.libsonnet', 'alerts/**/*.libsonnet']);
  // A scenario that plays a fault names what it expects, as a test does; no verdict needs one.
  const product = files.filter((file) => file !== 'src/lab/cluster/scenarios.ts');
  const texts = new Map(product.map((file) => [file, readFileSync(file, 'utf8')]));
  for (const name of ['PROBE_PATH_FAULT', 'DATA_PATH_FAULT', 'RACK_FAULT', 'AGENT_ISOLATED'] satisfies VerdictName[]) {
    const word = new RegExp(`\\b${name}\\b`);
    const naming = product.filter((file) => word.test(texts.get(file)!));
    assert.ok(naming.length >= 3 && naming.length <= MOST_FILES, `${name}: ${naming.join(', ')}`);
  }
});

test('each limit of the table is one of the governor’s limits, and the other way round', () => {
  const files = globSync('src/judge/limits/*.ts').map((file) => readFileSync(file, 'utf8'));
  const named = new Set(files.flatMap((text) => [...text.matchAll(/name: '(\w+)'/g)].map((m) => m[1]!)));
  assert.deepEqual([...named].sort(), LIMIT_TABLE.map(({ name }) => name).toSorted());
});
