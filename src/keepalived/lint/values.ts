/** Keywords against the catalogue: values, repetitions, age, variables, comments in the middle of a value. */
import { isFreeText, numberOf, problemsOf } from '../catalogue/arguments.ts';
import type { Config } from '../config/config.ts';
import { decomment } from '../read/decomment.ts';
import { AT_RUN_TIME } from '../read/definitions.ts';
import type { Problem } from '../read/source.ts';
import { type Block, everyStatement, extentOf, type Statement } from '../read/tree.ts';
import { instance, service } from './examples.ts';
import { each, lineAt, rawLine, removal, repeated } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

/** For which 0 is no value but does the same as leaving them out. */
const ZERO_IS_NOTHING = new Set([
  'vrrp_garp_interval',
  'vrrp_gna_interval',
  'vrrp_garp_master_repeat',
  'vrrp_garp_master_refresh_repeat',
  'garp_master_repeat',
  'garp_master_refresh_repeat',
  'persistence_timeout',
  'interval',
  'timeout',
]);

const statements = ({ tree }: Config) => everyStatement(tree.root);

function isZero({ name, args }: Statement): boolean {
  return ZERO_IS_NOTHING.has(name) && numberOf(args[0]?.text ?? '', 6) === 0;
}

function valueProblems(config: Config, code: Problem['code'], zero: boolean): Mark[] {
  return [...statements(config)].flatMap((statement) =>
    isZero(statement) === zero ? problemsOf(statement).filter((problem) => problem.code === code) : [],
  );
}

const valueInvalid: Rule = {
  code: 'value-invalid',
  severity: 'error',
  title: 'value that is not allowed',
  why: 'keepalived ignores the line and goes on with the default.',
  fix: 'write a value that is allowed',
  wrong: instance({ set: { virtual_router_id: '300' } }),
  right: instance(),
  check: (config) => valueProblems(config, 'value-invalid', false),
};

const valueZero: Rule = {
  code: 'value-zero',
  severity: 'warning',
  title: '0 where it is no value',
  why: 'keepalived ignores the 0, as if the line were not there, and its own test fails because of it.',
  fix: 'remove the line',
  wrong: `global_defs {\n  vrrp_garp_interval 0\n}\n${instance()}`,
  right: `global_defs {\n  vrrp_garp_interval 0.001\n}\n${instance()}`,
  check: (config) =>
    each(statements(config), (s) => {
      if (!isZero(s) || problemsOf(s).length === 0) return undefined;
      return { at: s.args[0]!, message: `${s.name} 0 does nothing`, edit: removal(s) };
    }),
};

const valueMissing: Rule = {
  code: 'value-missing',
  severity: 'error',
  title: 'keyword without its value',
  why: 'keepalived exits when it comes to such a line, or skips the block.',
  fix: 'write the value, or remove the line',
  wrong: instance({ set: { priority: '' } }),
  right: instance(),
  check: (config) => valueProblems(config, 'value-missing', false),
};

const keywordDeprecated: Rule = {
  code: 'keyword-deprecated',
  severity: 'warning',
  title: 'keyword that is to be replaced',
  why: "a later release will not have it, and for most of them keepalived's own test fails already.",
  fix: 'write what replaces it',
  wrong: service({
    servers: ['real_server 10.0.0.1 80 {', 'HTTP_GET {', 'nb_get_retry 3', 'url {', 'path /', 'status_code 200', '}', '}', '}'],
  }),
  right: service({
    servers: ['real_server 10.0.0.1 80 {', 'HTTP_GET {', 'retry 3', 'url {', 'path /', 'status_code 200', '}', '}', '}'],
  }),
  check: (config) =>
    each(statements(config), ({ keyword, name, spec }) => {
      const instead = spec?.deprecated;
      if (instead === undefined) return undefined;
      const edit = instead.includes(' ') ? {} : { edit: { at: keyword, text: instead } };
      return { at: keyword, message: `${name} is to be replaced by ${instead}`, ...edit };
    }),
};

const keywordRemoved: Rule = {
  code: 'keyword-removed',
  severity: 'error',
  title: 'keyword of long ago',
  why: 'no release of today has it, so keepalived ignores the line.',
  fix: 'write what replaces it, or remove the line',
  wrong: `global_defs {\n  lvs_id lb1\n}\n${instance()}`,
  right: `global_defs {\n  router_id lb1\n}\n${instance()}`,
  check: (config) =>
    each(statements(config), (statement) => {
      const { keyword, name, spec } = statement;
      const instead = spec?.removed;
      if (instead === undefined) return undefined;
      const message = `keepalived has no ${name}${instead === '' ? '' : `; write ${instead}`}`;
      if (instead === '') return { at: keyword, message, edit: removal(statement) };
      return { at: keyword, message, ...(instead.includes(' ') ? {} : { edit: { at: keyword, text: instead } }) };
    }),
};

const keywordNew: Rule = {
  code: 'keyword-new',
  severity: 'info',
  title: 'keyword of a newer keepalived',
  why: 'a keepalived that is older than this keyword ignores the line and reports an unknown keyword.',
  fix: 'make sure that the keepalived on every node is new enough',
  wrong: `global_defs {\n  json_dump_file /run/keepalived.json\n}\n${instance()}`,
  right: instance(),
  check: (config) =>
    each(statements(config), ({ keyword, name, spec }) => {
      if (spec?.since === undefined) return undefined;
      return { at: keyword, message: `${name} needs keepalived ${spec.since} or newer` };
    }),
};

function* blocksIn(block: Block): Generator<Block> {
  yield block;
  for (const { block: inner } of block.statements) if (inner !== undefined) yield* blocksIn(inner);
}

const keywordRepeated: Rule = {
  code: 'keyword-repeated',
  severity: 'warning',
  title: 'keyword twice in one block',
  why: 'only one of the lines counts, and keepalived does not report that the other one is lost.',
  fix: 'remove the line that is not meant',
  wrong: instance({ more: ['priority 90'] }),
  right: instance(),
  check: ({ tree }) =>
    [...blocksIn(tree.root)].flatMap(({ kind, statements: all }) => {
      if (kind === 'values' || kind === 'unknown') return [];
      const counted = all.filter(({ spec }) => spec !== undefined && spec.again !== 'adds' && spec.removed === undefined);
      // The same line for two machines is no repetition.
      const found = repeated(counted, ({ name, line }) => `${name} ${line.condition}`);
      return found.map(({ first, again }): Mark => {
        const winner = again.spec?.again === 'last wins' ? 'this one' : 'the first one';
        const message = `${again.name} is also in ${lineAt(first.keyword, again.keyword)}; ${winner} counts`;
        return { at: extentOf(again), message };
      });
    }),
};

const globalsRepeated: Rule = {
  code: 'globals-repeated',
  severity: 'warning',
  title: 'global_defs twice',
  why: 'what stands in both is taken from the last one, which is easily overlooked.',
  fix: 'put both blocks together',
  wrong: `global_defs {\n  router_id a\n}\nglobal_defs {\n  router_id b\n}\n${instance()}`,
  right: `global_defs {\n  router_id a\n}\n${instance()}`,
  check: ({ globals }) =>
    each(
      repeated(globals, ({ line }) => line.condition),
      ({ first, again }) => {
        return { at: again.keyword, message: `global_defs is also in ${lineAt(first.keyword, again.keyword)}` };
      },
    ),
};

const VARIABLE = /\$\{?([A-Za-z_]\w*)/;

const undefinedVariable: Rule = {
  code: 'undefined-variable',
  severity: 'error',
  title: 'variable that nothing defines',
  why: 'keepalived leaves the name in the line, and then the value is not valid; ${NAME} also opens a block.',
  fix: 'define it before it is used, at the beginning of a line and without blanks: $NAME=value',
  wrong: instance({ set: { priority: '$PRIORITY' } }),
  right: `$PRIORITY=100\n${instance({ set: { priority: '$PRIORITY' } })}`,
  check: ({ tree }) => {
    const reported = new Set<string>();
    const looked = [...blocksIn(tree.root)].flatMap(({ kind, statements: all }) =>
      // What a line that is not known holds does not matter.
      all.filter(({ spec, keyword }) => kind === 'values' || (kind !== 'unknown' && (spec !== undefined || keyword.unclear))),
    );
    return each(looked, (statement) => {
      if (!statement.line.unclear || isFreeText(statement)) return undefined;
      for (const word of [statement.keyword, ...statement.args]) {
        const name = word.unclear ? VARIABLE.exec(word.text)?.[1] : undefined;
        if (name === undefined || AT_RUN_TIME.has(name) || reported.has(name)) continue;
        reported.add(name);
        return { at: word, message: `nothing defines $${name} before this line` };
      }
      return undefined;
    });
  },
};

const commentInValue: Rule = {
  code: 'comment-in-value',
  severity: 'warning',
  title: '# or ! in the middle of a value',
  why: 'outside double quotes both begin a comment anywhere, so the rest of the value is cut off without a message.',
  fix: 'put the value into double quotes, or a blank before the comment',
  wrong: instance({ more: ['authentication {', 'auth_type PASS', 'auth_pass ab!cd', '}'] }),
  right: instance({ more: ['authentication {', 'auth_type PASS', 'auth_pass "ab!cd"', '}'] }),
  check: (config) =>
    each(statements(config), ({ keyword, args, spec, name }) => {
      const isText = spec?.args.some(({ kind }) => ['word', 'secret', 'command', 'text'].includes(kind)) === true;
      if (!isText) return undefined;
      const raw = rawLine(keyword);
      if (!/[^\s{}][#!]/.test(raw)) return undefined;
      const { comment } = decomment(raw);
      if (comment <= 0 || /[\s{}]/.test(raw[comment - 1]!) || args.length === 0) return undefined;
      const at = { ...keyword, column: comment + 1, end: comment + 2 };
      return { at, message: `the value of ${name} ends before this ${raw[comment]}` };
    }),
};

export const values: readonly Rule[] = [
  valueInvalid,
  valueMissing,
  valueZero,
  keywordDeprecated,
  keywordNew,
  keywordRemoved,
  keywordRepeated,
  globalsRepeated,
  undefinedVariable,
  commentInValue,
];
