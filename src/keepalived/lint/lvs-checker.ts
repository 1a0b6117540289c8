/** Checkers of real servers. */
import type { Config } from '../config/config.ts';
import type { Checker, RealServer, VirtualServer } from '../config/lvs.ts';
import { has, numberIn } from '../config/values.ts';
import { type Block, type Statement, statementOf, statementsOf } from '../read/tree.ts';
import { server, service } from './examples.ts';
import { each, repeated } from './marks.ts';
import { realKey } from './lvs-server.ts';
import type { Mark, Rule } from './rule.ts';

interface Checked {
  readonly checker: Checker;
  readonly real: RealServer;
  readonly virtual: VirtualServer;
}

const ofCheckers =
  (mark: (checked: Checked, config: Config) => Mark | undefined) =>
  (config: Config): Mark[] => {
    const all = config.virtualServers.flatMap((virtual) =>
      virtual.realServers.flatMap((real) => real.checkers.map((checker) => ({ checker, real, virtual }))),
    );
    return each(all, (checked) => mark(checked, config));
  };

const http = (...url: string[]) =>
  server('10.0.0.1 80', ['HTTP_GET {', ...(url.length === 0 ? [] : ['url {', ...url, '}']), '}']);

const noChecker: Rule = {
  code: 'check-none',
  severity: 'warning',
  title: 'real server without a checker',
  why: 'it stays in the service for ever, also when it is dead.',
  fix: 'add a checker, such as TCP_CHECK',
  wrong: service({ servers: server('10.0.0.1 80', []) }),
  right: service(),
  check: ({ virtualServers }) =>
    virtualServers.flatMap((virtual) => {
      // A second one of the same address is reported as that.
      const again = new Set(repeated(virtual.realServers, (rs) => realKey(rs, virtual)).map((found) => found.again));
      return each(virtual.realServers, (rs) => {
        if (rs.checkers.length > 0 || again.has(rs) || hasUnknownBlock(rs.block)) return undefined;
        return { at: rs.statement.keyword, message: `nothing checks ${rs.ip ?? rs.statement.args[0]?.text ?? 'it'}` };
      });
    }),
};

/** A block that is not known may have been meant as a checker; it is reported as what it is. */
function hasUnknownBlock(block: Block): boolean {
  return block.statements.some(({ block: inner, spec, line }) => (inner !== undefined && spec === undefined) || line.unclear);
}

const noUrl: Rule = {
  code: 'check-http-no-url',
  severity: 'error',
  title: 'HTTP_GET or SSL_GET without a url',
  why: 'there is nothing to ask for; keepalived 2.2.7 crashes on it, even in its own test.',
  fix: 'add url { path / }',
  wrong: service({ servers: http() }),
  right: service({ servers: http('path /', 'status_code 200') }),
  check: ofCheckers(({ checker: { kind, block, statement } }) => {
    if (!isHttp(kind) || statementsOf(block, 'url').length > 0) return undefined;
    return { at: statement.keyword, message: `${kind} has no url` };
  }),
};

function isHttp(kind: string): boolean {
  return kind === 'HTTP_GET' || kind === 'SSL_GET';
}

/** The urls of every checker that has some. */
function urls(config: Config): Statement[] {
  return config.virtualServers.flatMap(({ realServers }) =>
    realServers.flatMap(({ checkers }) =>
      checkers.flatMap(({ kind, block }) => (isHttp(kind) ? statementsOf(block, 'url') : [])),
    ),
  );
}

const noPath: Rule = {
  code: 'check-url-no-path',
  severity: 'error',
  title: 'url without a path',
  why: 'keepalived drops the url.',
  fix: 'write path and what to ask for, such as path /',
  wrong: service({ servers: http('status_code 200') }),
  right: service({ servers: http('path /', 'status_code 200') }),
  check: (config) =>
    each(urls(config), ({ keyword, block }) =>
      has(block, 'path') ? undefined : { at: keyword, message: 'the url has no path' },
    ),
};

const noCriteria: Rule = {
  code: 'check-url-no-criteria',
  severity: 'info',
  title: 'url without status_code, digest or regex',
  why: 'any status from 200 to 299 is good then, whatever the page holds.',
  fix: 'write status_code, digest or regex, if more of the answer matters',
  wrong: service({ servers: http('path /') }),
  right: service({ servers: http('path /', 'status_code 200') }),
  check: (config) =>
    each(urls(config), ({ keyword, block }) => {
      if (['status_code', 'digest', 'regex'].some((name) => has(block, name)) || !has(block, 'path')) return undefined;
      return { at: keyword, message: 'any status from 200 to 299 is good' };
    }),
};

const DIGEST = '9b3a0c85a887a256d6939da88aabd8cd';

const digest: Rule = {
  code: 'check-digest-only',
  severity: 'info',
  title: 'digest of a page',
  why: 'every change of the page, down to one letter, takes all real servers out at once.',
  fix: 'use status_code or regex, unless the page never changes; genhash prints the digest of the page of today',
  wrong: service({ servers: http('path /', `digest ${DIGEST}`) }),
  right: service({ servers: http('path /', 'status_code 200') }),
  check: (config) =>
    each(urls(config), ({ block }) => {
      const statement = statementOf(block, 'digest');
      if (statement === undefined || has(block, 'regex')) return undefined;
      return { at: statement.keyword, message: 'the page must not change' };
    }),
};

const regexAlone: Rule = {
  code: 'check-regex-missing',
  severity: 'warning',
  title: 'options of a regex without a regex',
  why: 'keepalived ignores them.',
  fix: 'write regex, or remove them',
  wrong: service({ servers: http('path /', 'status_code 200', 'regex_no_match') }),
  right: service({ servers: http('path /', 'regex ok', 'regex_no_match') }),
  check: (config) =>
    each(urls(config), ({ block }) => {
      const option = block?.statements.find(({ name }) => name.startsWith('regex_'));
      return option === undefined || has(block, 'regex')
        ? undefined
        : { at: option.keyword, message: `${option.name} without regex` };
    }),
};

/** What a checker must have (the end handlers of check_*.c). */
const NEEDS: Readonly<Record<string, string>> = { MISC_CHECK: 'misc_path', FILE_CHECK: 'track_file', BFD_CHECK: 'name' };

const incomplete: Rule = {
  code: 'check-incomplete',
  severity: 'error',
  title: 'checker without what it checks',
  why: 'keepalived skips the checker, so the real server is not checked.',
  fix: 'write misc_path in MISC_CHECK, track_file in FILE_CHECK, name in BFD_CHECK',
  wrong: service({ servers: server('10.0.0.1 80', ['MISC_CHECK {', 'misc_timeout 3', '}']) }),
  right: service({ servers: server('10.0.0.1 80', ['MISC_CHECK {', 'misc_path "/usr/local/bin/check"', '}']) }),
  check: ofCheckers(({ checker: { kind, block, statement } }) => {
    const needs = NEEDS[kind];
    return needs === undefined || has(block, needs) ? undefined : { at: statement.keyword, message: `${kind} has no ${needs}` };
  }),
};

const DRAIN = service({ servers: server('10.0.0.1 80', ['FILE_CHECK {', 'track_file drain', '}']) });

const undefinedSource: Rule = {
  code: 'check-source-undefined',
  severity: 'error',
  title: 'FILE_CHECK or BFD_CHECK of what is not defined',
  why: 'keepalived skips the checker, so the real server is not checked.',
  fix: 'define the track_file or bfd_instance, or correct the name',
  wrong: DRAIN,
  right: `track_file drain {\n  file /run/drain\n}\n${DRAIN}`,
  check: ofCheckers(({ checker: { kind, block } }, { trackers }) => {
    const of = kind === 'FILE_CHECK' ? 'file' : kind === 'BFD_CHECK' ? 'bfd' : undefined;
    const word = of === undefined ? undefined : statementOf(block, NEEDS[kind]!)?.args[0];
    if (word === undefined || word.unclear || trackers.some((t) => t.kind === of && t.name === word.text)) return undefined;
    return { at: word, message: `nothing defines ${word.text}` };
  }),
};

/** Checkers that speak TCP to the port of the service. */
const OVER_TCP = new Set(['TCP_CHECK', 'HTTP_GET', 'SSL_GET', 'SMTP_CHECK']);

const protocol: Rule = {
  code: 'check-tcp-of-udp',
  severity: 'warning',
  title: 'TCP check of a UDP service',
  why: 'it shows whether something listens on the TCP port, which the service may not have, or have when it is dead.',
  fix: 'use UDP_CHECK, DNS_CHECK or MISC_CHECK, or write connect_port and a port of TCP that the service needs',
  wrong: service({ set: { protocol: 'UDP' } }),
  right: service({ set: { protocol: 'UDP' }, servers: server('10.0.0.1 80', ['UDP_CHECK {', 'connect_timeout 3', '}']) }),
  check: ofCheckers(({ checker: { kind, block, statement }, virtual }) => {
    if (virtual.protocol !== 'UDP' || !OVER_TCP.has(kind) || has(block, 'connect_port')) return undefined;
    return { at: statement.keyword, message: `${kind} of a service that is UDP` };
  }),
};

const timeout: Rule = {
  code: 'check-timeout-long',
  severity: 'warning',
  title: 'connect_timeout longer than delay_loop',
  why: 'a server that hangs is asked less often than one that works, so it is found down late.',
  fix: 'make connect_timeout shorter than delay_loop',
  wrong: service({ servers: server('10.0.0.1 80', ['TCP_CHECK {', 'connect_timeout 60', '}']) }),
  right: service(),
  check: (config) => {
    const reported = new Set<Statement>();
    return ofCheckers(({ checker, real, virtual }) => {
      const { connectTimeout, delayLoop } = checker.timing;
      const statement = [checker.block, real.block, virtual.block]
        .map((b) => statementOf(b, 'connect_timeout'))
        .find((s) => s !== undefined);
      if (connectTimeout <= delayLoop || statement === undefined || reported.has(statement)) return undefined;
      reported.add(statement);
      return { at: statement.keyword, message: `it waits ${connectTimeout} s, and checks every ${delayLoop} s` };
    })(config);
  },
};

const replyLength: Rule = {
  code: 'check-reply-length',
  severity: 'error',
  title: 'UDP_CHECK that no reply satisfies',
  why: 'the least length is above the greatest, so the server is always down.',
  fix: 'make min_reply_length at most max_reply_length, which is 255 when it is not written',
  wrong: service({
    set: { protocol: 'UDP' },
    servers: server('10.0.0.1 80', ['UDP_CHECK {', 'require_reply', 'min_reply_length 300', '}']),
  }),
  right: service({
    set: { protocol: 'UDP' },
    servers: server('10.0.0.1 80', ['UDP_CHECK {', 'require_reply', 'min_reply_length 30', '}']),
  }),
  check: ofCheckers(({ checker: { kind, block } }) => {
    const least = numberIn(block, 'min_reply_length') ?? 0;
    const most = numberIn(block, 'max_reply_length') ?? 255;
    const statement = statementOf(block, 'min_reply_length') ?? statementOf(block, 'max_reply_length');
    if (kind !== 'UDP_CHECK' || statement === undefined || least <= most) return undefined;
    return { at: statement.keyword, message: `from ${least} to ${most} bytes` };
  }),
};

const sslCheck: Rule = {
  code: 'check-plain-on-443',
  severity: 'info',
  title: 'HTTP_GET of port 443',
  why: 'HTTP_GET speaks plain HTTP; a server of HTTPS answers with an error, and the real server is down.',
  fix: 'use SSL_GET',
  wrong: service({
    key: '192.0.2.10 443',
    servers: server('10.0.0.1 443', ['HTTP_GET {', 'url {', 'path /', 'status_code 200', '}', '}']),
  }),
  right: service({
    key: '192.0.2.10 443',
    servers: server('10.0.0.1 443', ['SSL_GET {', 'url {', 'path /', 'status_code 200', '}', '}']),
  }),
  check: ofCheckers(({ checker: { kind, block, statement }, real, virtual }) => {
    const port = real.port || (virtual.key.kind === 'address' ? virtual.key.port : 0);
    if (kind !== 'HTTP_GET' || (numberIn(block, 'connect_port') ?? port) !== 443) return undefined;
    return { at: statement.keyword, message: 'HTTP_GET of port 443' };
  }),
};

export const lvsChecker: readonly Rule[] = [
  noChecker,
  noUrl,
  noPath,
  noCriteria,
  digest,
  regexAlone,
  incomplete,
  undefinedSource,
  protocol,
  timeout,
  replyLength,
  sslCheck,
];
