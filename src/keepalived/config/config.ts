/** A configuration as keepalived would act on it. */
import { type ReadOptions, readTree, type Tree } from '../read/read.ts';
import { type Statement, statementOf, statementsOf } from '../read/tree.ts';
import { type ServerGroup, serverGroupOf, type VirtualServer, virtualServerOf } from './lvs.ts';
import { has, numberIn } from './values.ts';
import { groupOf, type Instance, instanceOf, type SyncGroup, type Tracker, trackerOf } from './vrrp.ts';

export interface Config {
  /** The root file, as named. */
  readonly path: string;
  readonly tree: Tree;
  /** Every `global_defs`. */
  readonly globals: readonly Statement[];
  readonly instances: readonly Instance[];
  readonly groups: readonly SyncGroup[];
  readonly trackers: readonly Tracker[];
  readonly virtualServers: readonly VirtualServer[];
  readonly serverGroups: readonly ServerGroup[];
}

/** Reads a configuration. Never throws; what is wrong with its form is in `tree.problems`. */
export function readConfig(path: string, text: string, options?: ReadOptions): Config {
  const tree = readTree(path, text, options);
  const { root } = tree;
  const globals = statementsOf(root, 'global_defs');
  const version = globals.map(({ block }) => numberIn(block, 'vrrp_version')).findLast((v) => v !== undefined);
  const defaults = { strict: globals.some(({ block }) => has(block, 'vrrp_strict')), version: version === 3 ? 3 : 2 } as const;
  return {
    path,
    tree,
    globals,
    instances: statementsOf(root, 'vrrp_instance').map((statement) => instanceOf(statement, defaults)),
    groups: statementsOf(root, 'vrrp_sync_group').map(groupOf),
    trackers: root.statements.flatMap((statement) => trackerOf(statement) ?? []),
    virtualServers: statementsOf(root, 'virtual_server').map(virtualServerOf),
    serverGroups: statementsOf(root, 'virtual_server_group').map(serverGroupOf),
  };
}

/** A keyword of global_defs: the last one written. */
export function globalOf({ globals }: Config, name: string): Statement | undefined {
  return globals.map(({ block }) => statementOf(block, name)).findLast((statement) => statement !== undefined);
}
