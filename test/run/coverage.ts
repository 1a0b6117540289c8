/** Lines covered by unit tests, by room, and the floors that they must not fall below. */
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

const FLOORS = { judge: 95, whole: 85 };

export interface Coverage {
  /** Covered lines by room, for people. */
  readonly text: string;
  /** The floors that are missed, for people; empty when none is. */
  readonly missed: string;
}

/** Reads a report in the LCOV format. Worker threads count, child processes do not. */
export function coverage(lcov: string): Coverage {
  const rooms = new Map<string, { found: number; hit: number }>();
  let room = '';
  for (const line of readFileSync(lcov, 'utf8').split('\n')) {
    const [key, value = ''] = line.split(':');
    if (key === 'SF') room = value.split('/')[1] ?? '';
    if (key !== 'LF' && key !== 'LH') continue;
    for (const name of [room, 'whole']) {
      const sum = rooms.get(name) ?? { found: 0, hit: 0 };
      rooms.set(name, sum);
      if (key === 'LF') sum.found += Number(value);
      else sum.hit += Number(value);
    }
  }
  // Files no unit test loads are missing from the report: their code counts as not covered.
  const loaded = new Set(readFileSync(lcov, 'utf8').match(/(?<=^SF:).*$/gm));
  for (const file of globSync('src/**/*.ts').filter((f) => !loaded.has(f))) {
    const code = stripTypeScriptTypes(readFileSync(file, 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*$|^import .*$/gm, '');
    const lines = code.split('\n').filter((line) => line.trim() !== '').length;
    for (const name of [file.split('/')[1]!, 'whole']) {
      const sum = rooms.get(name) ?? { found: 0, hit: 0 };
      rooms.set(name, { ...sum, found: sum.found + lines });
    }
  }
  const percent = (name: string) => (100 * rooms.get(name)!.hit) / rooms.get(name)!.found;
  const text = `lines covered by unit tests: ${[...rooms.keys()].map((r) => `${r} ${percent(r).toFixed(1)} %`).join(', ')}`;
  const missed = Object.entries(FLOORS)
    .filter(([name, floor]) => percent(name) < floor)
    .map(([name, floor]) => `coverage of ${name} is ${percent(name).toFixed(1)} %, needed are ${floor} %`);
  return { text, missed: missed.join('\n') };
}
