/**
 * What only the text dump has (keepalived.data): sync groups, faults, track scripts. Only these lines are looked at; among the
 * others are passwords. The text is for people and changes between versions: what is not found is left out. Pure.
 */
import type { State } from './notify.ts';

export interface Details {
  /** Sync group by instance. */
  readonly groupOf: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, State>;
  /** Interfaces and scripts at fault, by instance. */
  readonly faults: ReadonlyMap<string, number>;
  /** Status of track scripts; left out while it is not known. */
  readonly scripts: ReadonlyMap<string, boolean>;
}

const STATE: Readonly<Record<string, State>> = { INIT: 'init', BACKUP: 'backup', MASTER: 'master', FAULT: 'fault' };

export function parseDetails(text: string): Details {
  const groupOf = new Map<string, string>();
  const groups = new Map<string, State>();
  const faults = new Map<string, number>();
  const scripts = new Map<string, boolean>();
  let instance: string | undefined;
  let script: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith(' ') && line[1] !== ' ') {
      instance = after(line, ' VRRP Instance = ');
      script = after(line, ' VRRP Script = ');
      const [, group, state = ''] = /^ VRRP Sync Group = (.*), ([A-Z]+)$/.exec(line) ?? [];
      if (group !== undefined && STATE[state] !== undefined) groups.set(group, STATE[state]);
    } else if (line.startsWith('-')) {
      instance = script = undefined;
    } else if (instance !== undefined) {
      const group = after(line, '   Sync group = ');
      if (group !== undefined) groupOf.set(instance, group);
      const [, number] = /^ {3}Number of .*faults = (\d{1,9})$/.exec(line) ?? [];
      if (number !== undefined) faults.set(instance, (faults.get(instance) ?? 0) + Number(number));
    } else if (script !== undefined) {
      const status = after(line, '   Status = ');
      if (status === 'GOOD' || status === 'BAD') scripts.set(script, status === 'GOOD');
    }
  }
  return { groupOf, groups, faults, scripts };
}

function after(line: string, beginning: string): string | undefined {
  return line.startsWith(beginning) ? line.slice(beginning.length) : undefined;
}
