/** Scripts that keepalived runs when a real or virtual server changes: notify_up, notify_down, quorum_up, quorum_down. */
import type { Hook, Hooks } from '../../model/plan.ts';
import { commandOf } from '../config/vrrp.ts';
import { commandWords } from '../read/source.ts';
import { type Block, type Statement, statementOf } from '../read/tree.ts';

/** The scripts of a block; undefined when it has none. @param globals every `global_defs` */
export function hooksIn(block: Block, kind: 'notify' | 'quorum', globals: readonly Statement[]): Hooks | undefined {
  const [up, down] = (['up', 'down'] as const).map((way) => hookOf(statementOf(block, `${kind}_${way}`), globals));
  if (up === undefined && down === undefined) return undefined;
  return { ...(up === undefined ? {} : { up }), ...(down === undefined ? {} : { down }) };
}

/**
 * The first word is the program with its arguments, in quotes; a user and a group may follow (notify_script_init). Without a user
 * it is that of script_user.
 */
function hookOf(statement: Statement | undefined, globals: readonly Statement[]): Hook | undefined {
  const [script, ...account] = (statement && commandOf(statement)) ?? [];
  const command = script === undefined ? undefined : commandWords(script);
  if (command === undefined || command.length === 0) return undefined;
  const [user, group] = account.length > 0 ? account : scriptUser(globals);
  return { command, ...(user === undefined ? {} : { user }), ...(group === undefined ? {} : { group }) };
}

/** User and group of script_user; empty when it is not written. */
export function scriptUser(globals: readonly Statement[]): readonly string[] {
  const last = globals.map(({ block }) => statementOf(block, 'script_user')).findLast((statement) => statement !== undefined);
  return last?.args.map(({ text }) => text) ?? [];
}
