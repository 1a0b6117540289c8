/** What the reader itself finds: files, lines, braces, keywords. Each rule has the code of its problem. */
import type { ProblemCode } from '../read/source.ts';
import { instance, service } from './examples.ts';
import type { Rule } from './rule.ts';

type Text = Pick<Rule, 'severity' | 'title' | 'why' | 'fix' | 'wrong' | 'right'>;

const NESTED = 'vrrp_instance VI_1 {\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n  priority 100\n';

const TEXTS: Readonly<Partial<Record<ProblemCode, Text>>> = {
  'byte-order-mark': {
    severity: 'error',
    title: 'byte order mark',
    why: 'keepalived takes it as part of the first keyword, so the whole first block is lost.',
    fix: 'save the file as UTF-8 without a byte order mark',
    wrong: `\uFEFF${instance()}`,
    right: instance(),
  },
  'definition-loop': {
    severity: 'error',
    title: 'definition that holds itself',
    why: 'keepalived puts in the value again and again until the line is too long, and then ends.',
    fix: 'give the variable another name',
    wrong: `$ROUTER=$ROUTER\nglobal_defs {\n  router_id $ROUTER\n}\n${instance()}`,
    right: `$ROUTER=lb1\nglobal_defs {\n  router_id $ROUTER\n}\n${instance()}`,
  },
  'extra-brace': {
    severity: 'error',
    title: 'brace too many',
    why: 'no block is open: a brace further up closes another block than it seems to, or this one is left over.',
    fix: 'remove it, or find the block that is closed too early',
    wrong: `${instance()}}\n`,
    right: instance(),
  },
  'extra-word': {
    severity: 'warning',
    title: 'words that are ignored',
    why: 'keepalived reads as many words as the keyword takes and ignores the rest without a message.',
    fix: 'remove the words, or give each value a line of its own',
    wrong: instance({ set: { interface: 'eth0 eth1' } }),
    right: instance(),
  },
  'foreign-comment': {
    severity: 'error',
    title: 'comment of another language',
    why: 'only # and ! begin a comment; anything else is read as a keyword or a word.',
    fix: 'begin the comment with #',
    wrong: `// the first node\n${instance()}`,
    right: `# the first node\n${instance()}`,
  },
  'generator-invalid': {
    severity: 'error',
    title: '~SEQ or ~LST that is not valid',
    why: 'keepalived drops the line, so what it was to make is missing.',
    fix: 'write ~SEQ(name, first, step, last) or ~LST(name, value, value)',
    wrong: `${instance({ vips: ['~SEQ(i, 1, 0, 3) 192.0.2.${i}/24', '192.0.2.9/24'] })}`,
    right: `${instance({ vips: ['~SEQ(i, 1, 1, 3) 192.0.2.${i}/24', '192.0.2.9/24'] })}`,
  },
  'include-loop': {
    severity: 'error',
    title: 'file that includes itself',
    why: 'keepalived opens it again and again until it has no file descriptors left.',
    fix: 'remove the include',
    wrong: `include keepalived.conf\n${instance()}`,
    right: instance(),
  },
  'include-missing': {
    severity: 'warning',
    title: 'include of a file that is not there',
    why: 'keepalived goes on without what the file holds, and even its own test reports success.',
    fix: 'correct the path, or use a wildcard if the file is optional; includea makes keepalived insist',
    wrong: `include conf.d/missing.conf\n${instance()}`,
    right: `include conf.d/*.conf\n${instance()}`,
  },
  'include-quoted': {
    severity: 'error',
    title: 'include in quotes',
    why: 'the quotes become part of the name, so no file is found.',
    fix: 'remove the quotes',
    wrong: `include "conf.d/*.conf"\n${instance()}`,
    right: `include conf.d/*.conf\n${instance()}`,
  },
  'keyword-misplaced': {
    severity: 'error',
    title: 'keyword in the wrong block',
    why: 'the block does not have this keyword, so keepalived ignores it and all that is in its braces.',
    fix: 'move it into the block it belongs in',
    wrong: `${instance()}track_interface {\n  eth0\n}\n`,
    right: instance({ more: ['track_interface {', 'eth1', '}'] }),
  },
  'keyword-unknown': {
    severity: 'error',
    title: 'keyword that is not known',
    why: 'keepalived ignores the line, and a block behind it makes every line in it an error too.',
    fix: 'correct the spelling, or remove the line',
    wrong: instance({ set: { priority: undefined, prioirty: '100' } }),
    right: instance(),
  },
  'keywords-on-one-line': {
    severity: 'error',
    title: 'several keywords on one line',
    why: 'only the first word of a line is a keyword; the others are ignored as its words, without a message.',
    fix: 'write one keyword on each line',
    wrong: instance({ more: ['authentication { auth_type PASS auth_pass 1111 }'] }),
    right: instance({ more: ['authentication {', 'auth_type PASS', 'auth_pass 1111', '}'] }),
  },
  'line-too-long': {
    severity: 'error',
    title: 'line of more than 1023 characters',
    why: 'keepalived 2.2 reads the rest as a line of its own, 2.3 ignores the whole line.',
    fix: 'part the line',
    wrong: `global_defs {\n  router_id ${'x'.repeat(1100)}\n}\n${instance()}`,
    right: `global_defs {\n  router_id x\n}\n${instance()}`,
  },
  'missing-brace': {
    severity: 'error',
    title: 'block that is not closed',
    why: 'what follows is read as part of this block, so later blocks are lost.',
    fix: 'close the block with }',
    wrong: `${NESTED}  virtual_ipaddress {\n    192.0.2.1/24\n}\n`,
    right: `${NESTED}  virtual_ipaddress {\n    192.0.2.1/24\n  }\n}\n`,
  },
  'missing-open-brace': {
    severity: 'error',
    title: 'block without its opening brace',
    why: 'keepalived takes the lines that follow as the inside of this block, up to the next }.',
    fix: 'write { after the keyword',
    wrong: instance().replace(' {', ''),
    right: instance(),
  },
  'stray-backslash': {
    severity: 'error',
    title: 'line that ends in a backslash',
    why: 'a backslash continues the lines of a $definition only; elsewhere it becomes part of the last word.',
    fix: 'remove the backslash',
    wrong: instance({ set: { interface: 'eth0 \\' } }),
    right: instance(),
  },
  'too-large': {
    severity: 'error',
    title: 'more than can be looked at',
    why: 'files, nested blocks or generated lines exceed what fourlane reads, so the rest is not looked at.',
    fix: 'make the configuration smaller',
    wrong: `~SEQ(i, 1, 1, 100000000) $LAST=$i\n${instance()}`,
    right: `~SEQ(i, 1, 1, 100) $LAST=$i\n${instance()}`,
  },
  'unexpected-brace': {
    severity: 'error',
    title: 'brace that opens nothing',
    why: 'keepalived ignores it, and the brace that was to close it closes the block around it.',
    fix: 'remove the braces, or write the keyword of the block before them',
    wrong: instance({ more: ['nopreempt {', '}'] }),
    right: instance({ more: ['nopreempt'] }),
  },
  'unterminated-quote': {
    severity: 'error',
    title: 'quote that does not end',
    why: 'the value is cut off or dropped, and on the line of a script keepalived 2.2.7 crashes on it, even in its own test.',
    fix: 'close the quote on the same line',
    wrong: instance({ more: ['notify_master "/usr/local/bin/to_master'] }),
    right: instance({ more: ['notify_master "/usr/local/bin/to_master"'] }),
  },
};

const REFUSED: Rule = {
  code: 'include-refused',
  severity: 'warning',
  title: 'include of what is no plain file',
  why: 'keepalived skips directories and files that are executable or not readable, and goes on without them.',
  fix: 'include files, such as /etc/keepalived/conf.d/*.conf, that are readable and not executable',
  wrong: `include /etc\n${instance()}`,
  right: `include conf.d/*.conf\n${service()}`,
  check: ({ tree }) => tree.problems.filter(({ code }) => code === 'include-refused'),
};

export const syntax: readonly Rule[] = [
  ...Object.entries(TEXTS).map(([code, text]): Rule => {
    return { code, ...text, check: ({ tree }) => tree.problems.filter((problem) => problem.code === code) };
  }),
  REFUSED,
];
