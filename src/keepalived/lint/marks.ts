/** Small things that rules share. */
import type { Config } from '../config/config.ts';
import type { Instance } from '../config/vrrp.ts';
import { lineOf, type Edit, type Span } from '../read/source.ts';
import { extentOf, type Statement } from '../read/tree.ts';
import type { Mark } from './rule.ts';

/** A mark for each element that has one. */
export function each<T>(all: Iterable<T>, mark: (element: T) => Mark | undefined): Mark[] {
  return [...all].flatMap((element) => mark(element) ?? []);
}

/** Takes a whole statement away. */
export function removal(statement: Statement): Edit {
  return { at: extentOf(statement), text: '', dropBlank: true };
}

/** Elements that come again, each with the first of its kind. */
export function repeated<T>(all: Iterable<T>, key: (element: T) => string | undefined): { first: T; again: T }[] {
  const seen = new Map<string, T>();
  const found: { first: T; again: T }[] = [];
  for (const element of all) {
    const name = key(element);
    if (name === undefined) continue;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, element);
    else found.push({ first, again: element });
  }
  return found;
}

/** `line 5`, or `file.conf:5` when it stands in another file. */
export function lineAt(place: Span, from: Span): string {
  return place.source === from.source ? `line ${place.line}` : `${place.source.path}:${place.line}`;
}

/** The line of a place as it is written. */
export function rawLine({ source, line }: Span): string {
  return lineOf(source, line);
}

/** Instances that keepalived keeps: of those with the same name the first one. */
export function kept({ instances }: Pick<Config, 'instances'>): Instance[] {
  const names = new Set<string>();
  return instances.filter(({ name }) => {
    if (names.has(name)) return false;
    names.add(name);
    return true;
  });
}

/** `1 address`, `2 addresses`. */
export function counted(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
