/** Which test files are meant. */
import { globSync } from 'node:fs';

/** `unit`: one process for all, no root needed. `system`: real processes and namespaces, a process for each file. */
export const KINDS = ['unit', 'system'] as const;
export type Kind = (typeof KINDS)[number];
export type Files = Readonly<Record<Kind, readonly string[]>>;

/** Every test file of the project, by kind: what is in test/system is a system test. Run from the project's root. */
export function allFiles(): Files {
  const all = globSync('test/**/*.test.ts').sort();
  const system = (file: string) => file.startsWith('test/system/');
  return { unit: all.filter((f) => !system(f)), system: all.filter(system) };
}

/**
 * The files of these kinds whose path contains one of the names; all of them without a name. Throws with a message for people
 * when a name fits none: a slip must not pass for a success.
 */
export function select(files: Files, kinds: readonly Kind[], names: readonly string[]): Files {
  const paths = kinds.flatMap((kind) => files[kind]);
  const unknown = names.filter((name) => !paths.some((path) => path.includes(name)));
  if (unknown.length > 0)
    throw new Error(`no test file has ${unknown.map((name) => `"${name}"`).join(' or ')} in its path; there are ${paths.length}`);
  const wanted = (path: string) => paths.includes(path) && (names.length === 0 || names.some((name) => path.includes(name)));
  return { unit: files.unit.filter(wanted), system: files.system.filter(wanted) };
}
