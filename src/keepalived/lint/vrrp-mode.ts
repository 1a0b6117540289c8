/** Strict mode, authentication and unicast. */
import type { Config } from '../config/config.ts';
import { has, ipOf } from '../config/values.ts';
import type { Instance } from '../config/vrrp.ts';
import { extentOf, type Statement, statementOf } from '../read/tree.ts';
import { instance } from './examples.ts';
import { each, kept } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

const STRICT = 'global_defs {\n  vrrp_strict\n}\n';
const AUTH = ['authentication {', 'auth_type PASS', 'auth_pass 1111', '}'];

const ofInstances =
  (mark: (instance: Instance) => Mark | undefined) =>
  (config: Config): Mark[] =>
    each(kept(config), mark);

/** What makes an instance strict: its own keyword, or the one of global_defs. */
function strictOf({ globals }: Config, one: Instance): Statement | undefined {
  return (
    statementOf(one.block, 'strict_mode') ??
    globals.map(({ block }) => statementOf(block, 'vrrp_strict')).find((s) => s !== undefined)
  );
}

const strictUnreachable: Rule = {
  code: 'vrrp-strict-unreachable',
  severity: 'warning',
  title: 'strict mode without accept',
  why: 'keepalived then drops every packet to the virtual addresses on the node: they answer neither ping nor connections.',
  fix: 'remove vrrp_strict; or use version 3 and write accept in the instance (with version 2, strict mode resets accept)',
  wrong: STRICT + instance(),
  right: STRICT + instance({ set: { state: 'BACKUP', version: '3' }, more: ['accept'] }),
  check: (config) => {
    const found = new Map<Statement, string[]>();
    for (const one of kept(config)) {
      const accepts = one.basePriority === 255 || (has(one.block, 'accept') && one.version === 3);
      const strict = one.isStrict && one.vips.length + one.excluded.length > 0 && !accepts ? strictOf(config, one) : undefined;
      if (strict !== undefined) found.set(strict, [...(found.get(strict) ?? []), one.name]);
    }
    return [...found].map(([strict, names]) => {
      return { at: strict.keyword, message: `the addresses of ${names.join(', ')} answer to nobody` };
    });
  },
};

const strictUnicast: Rule = {
  code: 'vrrp-strict-unicast',
  severity: 'warning',
  title: 'strict mode with unicast peers',
  why: 'the standard has no unicast and keepalived means to refuse the two together, although 2.2.7 does not notice.',
  fix: 'remove vrrp_strict, or the peers',
  wrong:
    STRICT + instance({ set: { version: '3', unicast_src_ip: '10.0.0.1' }, more: ['accept', 'unicast_peer {', '10.0.0.2', '}'] }),
  right: instance({ set: { unicast_src_ip: '10.0.0.1' }, more: ['unicast_peer {', '10.0.0.2', '}'] }),
  check: ofInstances((one) => {
    const peers = statementOf(one.block, 'unicast_peer');
    if (!one.isStrict || peers === undefined || one.peers.length === 0) return undefined;
    return { at: peers.keyword, message: `${one.name} is strict and has unicast peers` };
  }),
};

const strictState: Rule = {
  code: 'vrrp-strict-state',
  severity: 'error',
  title: 'strict mode with a state that the priority does not have',
  why: 'in strict mode only the owner, with priority 255, starts as master, so keepalived changes the state.',
  fix: 'write state BACKUP, or remove vrrp_strict',
  wrong: STRICT + instance({ set: { state: 'MASTER', version: '3' }, more: ['accept'] }),
  right: STRICT + instance({ set: { version: '3' }, more: ['accept'] }),
  check: ofInstances((one) => {
    const state = statementOf(one.block, 'state');
    if (!one.isStrict || state === undefined || one.state === undefined) return undefined;
    if ((one.state === 'MASTER') === (one.basePriority === 255)) return undefined;
    return { at: extentOf(state), message: `${one.name} is ${one.state} with priority ${one.basePriority}` };
  }),
};

const authIgnored: Rule = {
  code: 'vrrp-auth-ignored',
  severity: 'error',
  title: 'authentication that is ignored',
  why: 'version 3 and strict mode have no authentication, so adverts are sent and taken without it.',
  fix: 'remove the block; protect the network with a firewall, or use auth_hmac of keepalived 2.4',
  wrong: instance({ set: { version: '3' }, more: AUTH }),
  right: instance({ more: AUTH }),
  check: ofInstances((one) => {
    const block = statementOf(one.block, 'authentication');
    if (block === undefined || one.authType === undefined || !(one.isStrict || one.version === 3)) return undefined;
    return {
      at: block.keyword,
      message: `${one.name} ${one.isStrict ? 'is strict' : 'has version 3'}: it does not authenticate`,
    };
  }),
};

const authNoPassword: Rule = {
  code: 'vrrp-auth-incomplete',
  severity: 'error',
  title: 'authentication without type or password',
  why: 'keepalived ignores the block when one of them is missing, so adverts are not authenticated.',
  fix: 'write both auth_type PASS and auth_pass',
  wrong: instance({ more: ['authentication {', 'auth_type PASS', '}'] }),
  right: instance({ more: AUTH }),
  check: ofInstances((one) => {
    const statement = statementOf(one.block, 'authentication');
    const { block } = statement ?? {};
    if (statement === undefined || (has(block, 'auth_type') && has(block, 'auth_pass'))) return undefined;
    const missing = has(block, 'auth_pass') ? 'auth_type' : 'auth_pass';
    return { at: statement.keyword, message: `${one.name} has no ${missing}` };
  }),
};

/** Characters of a password that are sent. */
const LONGEST_PASSWORD = 8;

const authLong: Rule = {
  code: 'vrrp-auth-long',
  severity: 'error',
  title: 'password of more than 8 characters',
  why: 'keepalived uses the first 8 characters, so passwords that differ later are the same.',
  fix: 'use at most 8 characters',
  wrong: instance({ more: ['authentication {', 'auth_type PASS', 'auth_pass 123456789', '}'] }),
  right: instance({ more: ['authentication {', 'auth_type PASS', 'auth_pass 12345678', '}'] }),
  check: ofInstances(({ authPass, name }) => {
    const length = authPass?.text.length ?? 0;
    if (authPass === undefined || authPass.unclear || length <= LONGEST_PASSWORD) return undefined;
    return { at: authPass, message: `the password of ${name} has ${length} characters` };
  }),
};

const authAh: Rule = {
  code: 'vrrp-auth-ah',
  severity: 'error',
  title: 'state MASTER with authentication AH',
  why: 'a node must have received an advert before it can count on from it, so keepalived starts it as BACKUP.',
  fix: 'write auth_type PASS',
  wrong: instance({ set: { state: 'MASTER' }, more: ['authentication {', 'auth_type AH', 'auth_pass 1111', '}'] }),
  right: instance({ more: ['authentication {', 'auth_type AH', 'auth_pass 1111', '}'] }),
  check: ofInstances((one) => {
    const isMaster = one.state === 'MASTER' && one.basePriority !== 255;
    if (one.authType !== 'AH' || one.isStrict || one.version === 3 || !isMaster) return undefined;
    const type = statementOf(statementOf(one.block, 'authentication')?.block, 'auth_type');
    return type === undefined ? undefined : { at: extentOf(type), message: `${one.name} is MASTER and authenticates by AH` };
  }),
};

const peerInvalid: Rule = {
  code: 'vrrp-peer-invalid',
  severity: 'error',
  title: 'unicast peer that is no address of the right family',
  why: 'keepalived skips the peer, or the virtual addresses of the other family.',
  fix: 'write an IP address of the family of the virtual addresses',
  wrong: instance({ set: { unicast_src_ip: '10.0.0.1' }, more: ['unicast_peer {', '10.0.0.300', '}'] }),
  right: instance({ set: { unicast_src_ip: '10.0.0.1' }, more: ['unicast_peer {', '10.0.0.2', '}'] }),
  check: (config) =>
    kept(config).flatMap(({ peers, family, name }) =>
      each(peers, ({ keyword }) => {
        const ip = ipOf(keyword.text);
        if (keyword.unclear || (ip !== undefined && (family ?? 4) === (ip.includes(':') ? 6 : 4))) return undefined;
        return {
          at: keyword,
          message: ip === undefined ? `${keyword.text} is no IP address` : `the addresses of ${name} are IPv${family ?? 4}`,
        };
      }),
    ),
};

const peerSelf: Rule = {
  code: 'vrrp-peer-self',
  severity: 'error',
  title: 'own address among the unicast peers',
  why: 'the node then sends its adverts to itself, and the peer it stands for may get none.',
  fix: 'list the addresses of the other nodes only',
  wrong: instance({ set: { unicast_src_ip: '10.0.0.1' }, more: ['unicast_peer {', '10.0.0.1', '10.0.0.2', '}'] }),
  right: instance({ set: { unicast_src_ip: '10.0.0.1' }, more: ['unicast_peer {', '10.0.0.2', '}'] }),
  check: (config) =>
    kept(config).flatMap(({ peers, sourceIp, name }) =>
      each(peers, ({ keyword }) => {
        if (sourceIp === undefined || ipOf(keyword.text) !== sourceIp) return undefined;
        return { at: keyword, message: `${keyword.text} is the source address of ${name}` };
      }),
    ),
};

const peerNoSource: Rule = {
  code: 'vrrp-unicast-no-source',
  severity: 'warning',
  title: 'unicast without unicast_src_ip',
  why: 'the first address of the interface is used then; after one is added, the peer discards adverts from the new source.',
  fix: 'write unicast_src_ip and the address that the peer lists',
  wrong: instance({ more: ['unicast_peer {', '10.0.0.2', '}'] }),
  right: instance({ set: { unicast_src_ip: '10.0.0.1' }, more: ['unicast_peer {', '10.0.0.2', '}'] }),
  check: ofInstances((one) => {
    const peers = statementOf(one.block, 'unicast_peer');
    if (peers === undefined || one.peers.length === 0) return undefined;
    if (has(one.block, 'unicast_src_ip') || has(one.block, 'mcast_src_ip') || one.isStrict) return undefined;
    return { at: peers.keyword, message: `${one.name} has no unicast_src_ip` };
  }),
};

const UNICAST = ['unicast_src_ip', 'unicast_peer', 'check_unicast_src', 'old_unicast_checksum'];

const unicastAlone: Rule = {
  code: 'vrrp-unicast-no-peer',
  severity: 'error',
  title: 'unicast without a peer',
  why: 'keepalived sends multicast then, which may be just what the network does not have.',
  fix: 'list the other nodes in unicast_peer, or remove the keywords of unicast; for a source address of multicast, mcast_src_ip',
  wrong: instance({ set: { unicast_src_ip: '10.0.0.1' } }),
  right: instance({ set: { unicast_src_ip: '10.0.0.1' }, more: ['unicast_peer {', '10.0.0.2', '}'] }),
  check: ofInstances((one) => {
    const statement = UNICAST.map((name) => statementOf(one.block, name)).find((s) => s !== undefined);
    if (statement === undefined || one.peers.length > 0 || has(one.block, 'unicast_fault_no_peer')) return undefined;
    return { at: statement.keyword, message: `${one.name} has ${statement.name} and no peer` };
  }),
};

export const vrrpMode: readonly Rule[] = [
  strictUnreachable,
  strictUnicast,
  strictState,
  authIgnored,
  authNoPassword,
  authLong,
  authAh,
  peerInvalid,
  peerSelf,
  peerNoSource,
  unicastAlone,
];
