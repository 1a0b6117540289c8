/** Scripts: what runs, how, and as whom. */
import type { Config } from '../config/config.ts';
import { globalOf } from '../config/config.ts';
import { has, numberIn } from '../config/values.ts';
import { programOf } from '../config/vrrp.ts';
import { everyStatement, extentOf, type Statement, statementOf } from '../read/tree.ts';
import { instance, script, server, service, TRACKING } from './examples.ts';
import { each } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

/** Statements that name a program. */
function commands({ tree }: Config): Statement[] {
  return [...everyStatement(tree.root)].filter(({ spec }) => spec?.args[0]?.kind === 'command');
}

/** A program that a configuration names, with its place. */
export interface Program {
  readonly path: string;
  readonly at: Statement;
}

/** Programs with an absolute path, in order; each as often as it is named. */
export function programsOf(config: Config): Program[] {
  return commands(config).flatMap((at) => {
    const path = programWords(at)[0];
    return path?.startsWith('/') === true && !at.line.unclear ? [{ path, at }] : [];
  });
}

const noCommand: Rule = {
  code: 'script-no-command',
  severity: 'error',
  title: 'vrrp_script without script',
  why: 'keepalived removes it, and what tracks it is not found.',
  fix: 'write script and a command',
  wrong: `vrrp_script chk {\n  interval 2\n}\n${instance({ more: TRACKING })}`,
  right: script() + instance({ more: TRACKING }),
  check: ({ trackers }) =>
    each(trackers, ({ kind, statement, block, name }) => {
      if (kind !== 'script' || has(block, 'script')) return undefined;
      return { at: statement.keyword, message: `${name} has no script` };
    }),
};

/** What only a shell understands, as a word of its own or at the end of one. */
const SHELL_WORD = /^(\||\|\||&&|&|;|[0-9]?>{1,2}|<|[0-9]?>&[0-9]|\$\(.*|`.*)$|;$|^[0-9]?>{1,2}\S|^<\S|^\|/;
const SHELL_START = new Set(['if', 'while', 'for', 'case', '[', '[[', 'test', 'exit', 'cd', 'export', 'source', '.']);

const shellSyntax: Rule = {
  code: 'script-shell-syntax',
  severity: 'error',
  title: 'shell syntax in a command',
  why: 'no shell runs the command: pipes, redirections, && and if are passed to the program as words, or it is not found.',
  fix: "put the command into a script file, or write sh -c '…' around it",
  wrong: script([], '/bin/ss -lnt | grep -q :80') + instance({ more: TRACKING }),
  right: script([], "/bin/sh -c '/bin/ss -lnt | grep -q :80'") + instance({ more: TRACKING }),
  check: (config) =>
    each(commands(config), (statement): Mark | undefined => {
      const words = programWords(statement);
      const first = words[0] ?? '';
      if (isShell(first) || statement.args.length === 0) return undefined;
      const found =
        SHELL_START.has(first) && first !== 'test' && first !== '[' ? first : words.find((word) => SHELL_WORD.test(word));
      if (found === undefined) return undefined;
      return { at: argumentsOf(statement), message: `${found} means something to a shell only` };
    }),
};

/** The words that keepalived runs; where a quote does not end, as well as can be told. */
function programWords(statement: Statement): string[] {
  return programOf(statement) ?? statement.args.flatMap(({ text }) => text.trim().split(/\s+/));
}

function isShell(program: string): boolean {
  return /(^|\/)(ba|da|z|k)?sh$/.test(program);
}

/** The words after the keyword, as a place. */
function argumentsOf(statement: Statement) {
  const whole = extentOf(statement);
  return { ...whole, column: statement.args[0]?.column ?? whole.column };
}

const shellWords: Rule = {
  code: 'script-shell-words',
  severity: 'warning',
  title: 'sh -c with a command of several words',
  why: 'sh -c takes one word as its command; the others become $0, $1 and so on, so only the first one runs.',
  fix: 'put quotes around all that follows -c, and the other kind of quotes around the whole',
  wrong: script([], '/bin/sh -c exit 1') + instance({ more: TRACKING }),
  right: script([], "/bin/sh -c 'exit 1'") + instance({ more: TRACKING }),
  check: (config) =>
    each(commands(config), (statement) => {
      const words = programWords(statement);
      const at = words.indexOf('-c');
      if (!isShell(words[0] ?? '') || at !== 1 || words.length <= 3) return undefined;
      return { at: argumentsOf(statement), message: `${words[2]} is all that the shell runs` };
    }),
};

const killall: Rule = {
  code: 'script-signal-zero',
  severity: 'info',
  title: 'killall -0, pidof or pgrep as a check',
  why: 'it sees that some process of that name exists, also one that hangs or is a zombie, and reads all of /proc each time.',
  fix: 'ask the service itself, or use vrrp_track_process, which needs no program and notices at once',
  wrong: script([], '/usr/bin/killall -0 nginx') + instance({ more: TRACKING }),
  right: script() + instance({ more: TRACKING }),
  check: (config) =>
    each(commands(config), (statement) => {
      if (statement.name !== 'script') return undefined;
      const words = programWords(statement);
      const program = words[0]?.split('/').at(-1) ?? '';
      const isSignal = ['killall', 'kill', 'pkill'].includes(program) && words.includes('-0');
      if (!isSignal && !['pidof', 'pgrep'].includes(program)) return undefined;
      return { at: argumentsOf(statement), message: `${program} does not show whether the service works` };
    }),
};

const noPath: Rule = {
  code: 'script-no-path',
  severity: 'warning',
  title: 'program without a path',
  why: 'it is looked for in the PATH that keepalived was started with, which is another one at boot than in your shell.',
  fix: 'write the absolute path of the program',
  wrong: script([], 'check_nginx') + instance({ more: TRACKING }),
  right: script([], '/usr/local/bin/check_nginx') + instance({ more: TRACKING }),
  check: (config) =>
    each(commands(config), (statement) => {
      const program = programWords(statement)[0] ?? '';
      if (program === '' || program.includes('/') || statement.line.unclear || SHELL_START.has(program)) return undefined;
      if (statement.args[0]?.unclear === true || program.startsWith('<')) return undefined;
      return { at: argumentsOf(statement), message: `${program} has no path` };
    }),
};

const timeout: Rule = {
  code: 'script-timeout-long',
  severity: 'warning',
  title: 'timeout of a script longer than its interval',
  why: 'a script that hangs delays the next runs, so a failure is noticed only after the timeout, times fall.',
  fix: 'make the timeout at most as long as the interval',
  wrong: script(['timeout 10']) + instance({ more: TRACKING }),
  right: script(['timeout 2']) + instance({ more: TRACKING }),
  check: ({ trackers }) =>
    each(trackers, ({ kind, block, name }) => {
      const statement = statementOf(block, 'timeout');
      const seconds = numberIn(block, 'timeout');
      const interval = numberIn(block, 'interval') ?? 1;
      if (kind !== 'script' || statement === undefined || seconds === undefined || seconds <= interval) return undefined;
      return { at: extentOf(statement), message: `${name} has ${seconds} s for a run, and one is due every ${interval} s` };
    }),
};

/** Scripts whose keyword gives them no argument, and which the same program often stands for. */
const SILENT = new Set([
  'notify_master',
  'notify_backup',
  'notify_fault',
  'notify_stop',
  'notify_up',
  'notify_down',
  'quorum_up',
  'quorum_down',
]);

const silentNotify: Rule = {
  code: 'notify-no-argument',
  severity: 'warning',
  title: 'one notify program for several events, without an argument',
  why: 'keepalived passes no argument to these (only notify gets four), so the program can not know what has happened.',
  fix: 'write the event behind the program, such as notify_master "/etc/keepalived/notify.sh master"',
  wrong: instance({ more: ['notify_master /usr/local/bin/notify', 'notify_backup /usr/local/bin/notify'] }),
  right: instance({ more: ['notify_master "/usr/local/bin/notify master"', 'notify_backup "/usr/local/bin/notify backup"'] }),
  check: (config) => {
    const byCommand = new Map<string, Statement[]>();
    for (const statement of commands(config)) {
      const words = SILENT.has(statement.name) && !statement.line.unclear ? programWords(statement) : [];
      if (words.length === 1) byCommand.set(words[0]!, [...(byCommand.get(words[0]!) ?? []), statement]);
    }
    return [...byCommand].flatMap(([program, all]) => {
      const events = new Set(all.map(({ name }) => name));
      return events.size < 2
        ? []
        : [{ at: argumentsOf(all[1]!), message: `${program} is run for ${[...events].join(' and ')} alike` }];
    });
  },
};

const security: Rule = {
  code: 'script-security',
  severity: 'info',
  title: 'scripts without enable_script_security',
  why: 'scripts run as root then, even those that others can change, and keepalived warns and its own test fails.',
  fix: 'write enable_script_security and script_user in global_defs',
  wrong: `vrrp_script chk {\n  script "/usr/local/bin/check"\n}\n${instance({ more: TRACKING })}`,
  right: script() + instance({ more: TRACKING }),
  check: (config) => {
    const first = commands(config)[0];
    if (first === undefined || globalOf(config, 'enable_script_security') !== undefined) return [];
    return [{ at: first.keyword, message: 'enable_script_security is not set' }];
  },
};

const FIFO = ['notify_fifo', 'vrrp_notify_fifo', 'lvs_notify_fifo'];

const fifoFirst: Rule = {
  code: 'fifo-before-user',
  severity: 'warning',
  title: 'notify FIFO before script_user',
  why: 'after a reload keepalived does not find the user of a FIFO that is named first, and writes nothing to it any more.',
  fix: 'move script_user in front of the FIFO',
  wrong: `global_defs {\n  lvs_notify_fifo /run/lvs.fifo\n  script_user nobody\n}\n${service()}`,
  right: `global_defs {\n  script_user nobody\n  lvs_notify_fifo /run/lvs.fifo\n}\n${service()}`,
  check: ({ globals }) =>
    globals.flatMap(({ block }) => {
      const all = block?.statements ?? [];
      const user = all.findIndex(({ name }) => name === 'script_user');
      return each(all.slice(0, Math.max(0, user)), (statement) => {
        if (!FIFO.includes(statement.name)) return undefined;
        return {
          at: extentOf(statement),
          message: `${statement.name} stands before script_user in line ${all[user]!.keyword.line}`,
        };
      });
    }),
};

const miscUser = server('10.0.0.1 80', ['MISC_CHECK {', 'misc_path "/usr/local/bin/check"', '}']);

const notAbsolute: Rule = {
  code: 'script-relative',
  severity: 'error',
  title: 'program with a relative path',
  why: 'keepalived runs programs with / as their directory, so it is not found.',
  fix: 'write the absolute path of the program',
  wrong: service({ servers: server('10.0.0.1 80', ['MISC_CHECK {', 'misc_path "./check"', '}']) }),
  right: service({ servers: miscUser }),
  check: (config) =>
    each(commands(config), (statement) => {
      const program = programWords(statement)[0] ?? '';
      if (!program.includes('/') || /^[/<>|&]/.test(program) || statement.line.unclear || statement.args[0]?.unclear === true)
        return undefined;
      return { at: argumentsOf(statement), message: `${program} is no absolute path` };
    }),
};

export const scripts: readonly Rule[] = [
  noCommand,
  shellSyntax,
  shellWords,
  killall,
  noPath,
  notAbsolute,
  timeout,
  silentNotify,
  security,
  fifoFirst,
];
