/** Rules that look at the machine (`--host`). */
import type { Config } from '../config/config.ts';
import { rowsIn } from '../config/values.ts';
import type { Span } from '../read/source.ts';
import { everyStatement, statementOf } from '../read/tree.ts';
import { instance, service } from './examples.ts';
import { each, kept } from './marks.ts';
import type { Rule } from './rule.ts';
import { programsOf } from './scripts.ts';

const noInterface: Rule = {
  code: 'host-no-interface',
  severity: 'error',
  title: 'interface that this machine does not have',
  why: 'keepalived does not run the instance, or leaves out the address, until it starts again with the interface there.',
  fix: 'correct the name, or write dynamic_interfaces in global_defs if it comes later',
  wrong: instance({ set: { interface: 'eth99' } }),
  right: instance(),
  onHost: (config, { interfaces }) =>
    each(interfacesOf(config), ({ name, at }) => {
      return interfaces.has(name) ? undefined : { at, message: `there is no interface ${name}` };
    }),
};

/** Interfaces that must exist, each place once. */
function interfacesOf(config: Config): { name: string; at: Span }[] {
  const found: { name: string; at: Span }[] = [];
  const own = new Set(
    kept(config).flatMap(
      ({ block }) => statementOf(block, 'use_vmac')?.args[0]?.text ?? statementOf(block, 'use_ipvlan')?.args[0]?.text ?? [],
    ),
  );
  const add = (word: (Span & { text: string; unclear: boolean }) | undefined) => {
    if (word !== undefined && !word.unclear && !own.has(word.text)) found.push({ name: word.text, at: word });
  };
  for (const one of kept(config)) {
    if (one.interface?.text !== 'lo') add(one.interface);
    for (const { device } of [...one.vips, ...one.excluded]) add(device);
    for (const { keyword } of rowsIn(one.block, 'track_interface')) add(keyword);
  }
  for (const { name, spec, args } of everyStatement(config.tree.root))
    if (spec?.args[0]?.kind === 'interface' && name !== 'interface') add(args[0]);
  return found;
}

const notLocal: Rule = {
  code: 'host-address-not-local',
  severity: 'error',
  title: 'source address that this machine does not have',
  why: 'nothing can be sent from it, so the instance stays in fault.',
  fix: 'write an address of the interface',
  wrong: instance({ set: { mcast_src_ip: '10.9.9.9' } }),
  right: instance({ set: { mcast_src_ip: '10.0.0.5' } }),
  onHost: (config, { addresses }) =>
    each(kept(config), ({ block, sourceIp, name }) => {
      const statement = statementOf(block, 'unicast_src_ip') ?? statementOf(block, 'mcast_src_ip');
      if (sourceIp === undefined || statement === undefined || addresses.has(sourceIp)) return undefined;
      return { at: statement.args[0]!, message: `${sourceIp}, the source address of ${name}, is none of this machine` };
    }),
};

const ownPeer: Rule = {
  code: 'host-peer-is-local',
  severity: 'error',
  title: 'unicast peer that is an address of this machine',
  why: 'the node sends its adverts to itself, and the peer may get none.',
  fix: 'list the addresses of the other nodes only',
  wrong: instance({ set: { unicast_src_ip: '10.0.0.5' }, more: ['unicast_peer {', '10.0.1.5', '}'] }),
  right: instance({ set: { unicast_src_ip: '10.0.0.5' }, more: ['unicast_peer {', '10.0.0.6', '}'] }),
  onHost: (config, { addresses }) =>
    kept(config).flatMap(({ peers, sourceIp, name }) =>
      each(peers, ({ keyword }) => {
        if (!addresses.has(keyword.text) || keyword.text === sourceIp) return undefined;
        return { at: keyword, message: `${keyword.text}, a peer of ${name}, is this machine` };
      }),
    ),
};

const program: Rule = {
  code: 'host-program',
  severity: 'error',
  title: 'program that can not be run',
  why: 'the check fails for ever, or the notification never comes; keepalived looks at the programs of vrrp_script only.',
  fix: 'correct the path, or make the file executable and writable by root only',
  wrong: service({ more: ['quorum_up "/no/such/program up"'] }),
  right: service({ more: ['quorum_up "/bin/true up"'] }),
  onHost: (config, { refusalOf }) =>
    each(programsOf(config), ({ path, at }) => {
      const refusal = refusalOf(path);
      const word = at.args[0];
      return refusal === undefined || word === undefined ? undefined : { at: word, message: `${path} ${refusal}` };
    }),
};

export const host: readonly Rule[] = [noInterface, notLocal, ownPeer, program];
