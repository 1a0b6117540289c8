/** VRRP instances: what they must have, and what goes together. */
import type { Config } from '../config/config.ts';
import { has, numberIn } from '../config/values.ts';
import type { Instance } from '../config/vrrp.ts';
import { extentOf, type Statement, statementOf } from '../read/tree.ts';
import { instance } from './examples.ts';
import { each, kept, lineAt, removal, repeated } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

/** Without its name, which keepalived takes for granted. */
const ofInstances =
  (mark: (instance: Instance, config: Config) => Mark | undefined) =>
  (config: Config): Mark[] =>
    each(kept(config), (one) => mark(one, config));

/** A mark at a keyword of the instance, if it is written. */
function at(one: Instance, keyword: string, message: string, edit?: (statement: Statement) => Mark['edit']): Mark | undefined {
  const statement = statementOf(one.block, keyword);
  if (statement === undefined) return undefined;
  const mend = edit?.(statement);
  return { at: extentOf(statement), message, ...(mend === undefined ? {} : { edit: mend }) };
}

/** Whether unicast is used; an instance of it needs no interface. */
const isUnicast = (one: Instance) => one.peers.length > 0;

const nameTwice: Rule = {
  code: 'vrrp-name-twice',
  severity: 'error',
  title: 'two instances with one name',
  why: 'keepalived skips the second one.',
  fix: 'give it a name of its own',
  wrong: instance() + instance({ set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }),
  right: instance() + instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }),
  check: ({ instances }) =>
    each(
      repeated(instances, ({ name }) => name || undefined),
      ({ first, again }) => {
        const place = lineAt(first.statement.keyword, again.statement.keyword);
        return { at: again.statement.args[0]!, message: `${again.name} is already defined in ${place}` };
      },
    ),
};

const noInterface: Rule = {
  code: 'vrrp-no-interface',
  severity: 'error',
  title: 'instance without an interface',
  why: 'keepalived does not run it: adverts have no way to go.',
  fix: 'write interface and the name of the NIC',
  wrong: instance({ set: { interface: undefined } }),
  right: instance(),
  check: ofInstances((one) => {
    if (has(one.block, 'interface') || isUnicast(one)) return undefined;
    return { at: one.statement.keyword, message: `${one.name} has no interface` };
  }),
};

const loopback: Rule = {
  code: 'vrrp-loopback',
  severity: 'error',
  title: 'instance on the loopback interface',
  why: 'keepalived refuses it: nobody else receives what is sent there.',
  fix: 'name the NIC that the peer is reached through',
  wrong: instance({ set: { interface: 'lo' } }),
  right: instance(),
  check: ofInstances((one) => (one.interface?.text === 'lo' ? { at: one.interface, message: `${one.name} uses lo` } : undefined)),
};

const noRouterId: Rule = {
  code: 'vrrp-no-router-id',
  severity: 'error',
  title: 'instance without virtual_router_id',
  why: 'keepalived does not run it: the nodes find each other by this number.',
  fix: 'write virtual_router_id and a number from 1 to 255 that no other pair on the network uses',
  wrong: instance({ set: { virtual_router_id: undefined } }),
  right: instance(),
  check: ofInstances((one) => {
    if (has(one.block, 'virtual_router_id')) return undefined;
    return { at: one.statement.keyword, message: `${one.name} has no virtual_router_id` };
  }),
};

const routerIdTwice: Rule = {
  code: 'vrrp-router-id-twice',
  severity: 'error',
  title: 'one virtual_router_id twice on an interface',
  why: 'both instances take the adverts of the other for their own, so neither works.',
  fix: 'give one of them another virtual_router_id',
  wrong: instance() + instance({ name: 'VI_2', vips: ['192.0.2.2/24'] }),
  right: instance() + instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }),
  check: (config) => {
    const key = (one: Instance) => {
      const { vrid, interface: nic, family = 4, statement } = one;
      if (vrid === undefined || nic === undefined || isUnicast(one)) return undefined;
      const group = statementOf(one.block, 'mcast_dst_ip')?.args[0]?.text ?? '';
      return `${nic.text} ${vrid} ${family} ${group} ${statement.line.condition}`;
    };
    return each(repeated(kept(config), key), ({ first, again }) => {
      const statement = statementOf(again.block, 'virtual_router_id')!;
      const place = lineAt(first.statement.keyword, statement.keyword);
      return {
        at: statement.args[0]!,
        message: `${again.vrid} is also that of ${first.name} (${place}) on ${again.interface!.text}`,
      };
    });
  },
};

const noState: Rule = {
  code: 'vrrp-no-state',
  severity: 'info',
  title: 'instance without a state',
  why: 'it starts as BACKUP, and as MASTER when its priority is 255.',
  fix: 'write state BACKUP, so that it is seen',
  wrong: instance({ set: { state: undefined } }),
  right: instance(),
  check: ofInstances((one) => {
    if (has(one.block, 'state')) return undefined;
    return {
      at: one.statement.keyword,
      message: `${one.name} has no state: it is ${one.basePriority === 255 ? 'MASTER' : 'BACKUP'}`,
    };
  }),
};

const noPriority: Rule = {
  code: 'vrrp-no-priority',
  severity: 'warning',
  title: 'instance without a priority',
  why: 'it is 100, or 255 with state MASTER, so who becomes master is left to the address, or an owner is claimed that is none.',
  fix: 'write a priority for each node, the higher one for the node that is to be master',
  wrong: instance({ set: { priority: undefined } }),
  right: instance(),
  check: ofInstances((one) => {
    if (has(one.block, 'priority')) return undefined;
    return { at: one.statement.keyword, message: `${one.name} has no priority: it is ${one.basePriority}` };
  }),
};

const ownerBackup: Rule = {
  code: 'vrrp-owner-backup',
  severity: 'warning',
  title: 'priority 255 with state BACKUP',
  why: '255 is for the owner of the address, who is always master: neither scripts nor tracked interfaces can lower it.',
  fix: 'use a priority of at most 254',
  wrong: instance({ set: { priority: '255' } }),
  right: instance({ set: { priority: '254' } }),
  check: ofInstances((one) =>
    one.priority === 255 && one.state === 'BACKUP' ? at(one, 'priority', `${one.name} is BACKUP with priority 255`) : undefined,
  ),
};

const nopreemptMaster: Rule = {
  code: 'vrrp-nopreempt-master',
  severity: 'error',
  title: 'nopreempt with state MASTER',
  why: 'keepalived clears nopreempt then, so the node takes the addresses back as soon as it returns.',
  fix: 'write state BACKUP on both nodes; the priority decides who becomes master first',
  wrong: instance({ set: { state: 'MASTER' }, more: ['nopreempt'] }),
  right: instance({ more: ['nopreempt'] }),
  check: ofInstances((one) => {
    if (one.nopreempt === undefined || one.state !== 'MASTER') return undefined;
    return { at: one.nopreempt.keyword, message: `nopreempt of ${one.name} does nothing: its state is MASTER` };
  }),
};

const nopreemptOwner: Rule = {
  code: 'vrrp-nopreempt-owner',
  severity: 'error',
  title: 'nopreempt with priority 255',
  why: 'the owner of an address always takes it, so keepalived clears nopreempt.',
  fix: 'use a priority of at most 254',
  wrong: instance({ set: { state: undefined, priority: '255' }, more: ['nopreempt'] }),
  right: instance({ set: { priority: '254' }, more: ['nopreempt'] }),
  check: ofInstances((one) => {
    if (one.nopreempt === undefined || one.basePriority !== 255 || one.state === 'MASTER') return undefined;
    return { at: one.nopreempt.keyword, message: `nopreempt of ${one.name} does nothing: its priority is 255` };
  }),
};

const preemptDelay: Rule = {
  code: 'vrrp-preempt-delay-useless',
  severity: 'error',
  title: 'preempt_delay that does nothing',
  why: 'keepalived clears it when the state is MASTER, with nopreempt, and in strict mode, so the node does not wait.',
  fix: 'write state BACKUP, and only one of nopreempt and preempt_delay',
  wrong: instance({ more: ['nopreempt', 'preempt_delay 60'] }),
  right: instance({ more: ['preempt_delay 60'] }),
  check: ofInstances((one) => {
    const delay = numberIn(one.block, 'preempt_delay');
    if (delay === undefined || delay === 0) return undefined;
    const with_ =
      one.state === 'MASTER' ? 'state MASTER' : one.isStrict ? 'strict mode' : one.nopreempt === undefined ? '' : 'nopreempt';
    if (with_ === '') return undefined;
    return at(one, 'preempt_delay', `preempt_delay of ${one.name} does nothing with ${with_}`, removal);
  }),
};

const preemptDelayHolds: Rule = {
  code: 'vrrp-preempt-delay-long',
  severity: 'info',
  title: 'preempt_delay of more than a minute',
  why: 'while it runs, the returning node does not take over from a master of lower priority, even when that is the worse one.',
  fix: 'make it as long as the services on the node need to start',
  wrong: instance({ more: ['preempt_delay 300'] }),
  right: instance({ more: ['preempt_delay 30'] }),
  check: ofInstances((one) => {
    const delay = numberIn(one.block, 'preempt_delay') ?? 0;
    return delay > 60 && one.state !== 'MASTER' && one.nopreempt === undefined && !one.isStrict
      ? at(one, 'preempt_delay', `${one.name} waits ${delay} s before it takes over`)
      : undefined;
  }),
};

const advertInterval: Rule = {
  code: 'vrrp-advert-interval',
  severity: 'error',
  title: 'advert_int that the version does not have',
  why: 'keepalived rounds it, and a peer that rounds otherwise, or does not, discards the adverts.',
  fix: 'version 2 takes whole seconds up to 255; version 3 hundredths of a second up to 40.95',
  wrong: instance({ set: { advert_int: '0.5' } }),
  right: instance({ set: { advert_int: '0.5', version: '3' } }),
  check: ofInstances((one) => {
    const { version, advertInterval: seconds, name } = one;
    const hundredths = Math.round(seconds * 100);
    const isRight = version === 2 ? Number.isInteger(seconds) : hundredths < 4096 && Math.abs(hundredths - seconds * 100) < 1e-6;
    if (isRight) return undefined;
    return at(one, 'advert_int', `${name} sends every ${seconds} s, which version ${version} does not have`);
  }),
};

const versionConflict: Rule = {
  code: 'vrrp-version-ipv6',
  severity: 'warning',
  title: 'version 2 with IPv6 addresses',
  why: 'version 2 of VRRP has no IPv6, so what is sent then is known to no other router; strict mode takes version 3.',
  fix: 'remove the line: version 3 is taken by itself',
  wrong: instance({ set: { version: '2' }, vips: ['fe80::5/64', '2001:db8::5/64'] }),
  right: instance({ vips: ['fe80::5/64', '2001:db8::5/64'] }),
  check: ofInstances((one) =>
    one.family === 6 && numberIn(one.block, 'version') === 2
      ? at(one, 'version', `${one.name} has IPv6 addresses and version 2`, removal)
      : undefined,
  ),
};

export const vrrpInstance: readonly Rule[] = [
  nameTwice,
  noInterface,
  loopback,
  noRouterId,
  routerIdTwice,
  noState,
  noPriority,
  ownerBackup,
  nopreemptMaster,
  nopreemptOwner,
  preemptDelay,
  preemptDelayHolds,
  advertInterval,
  versionConflict,
];
