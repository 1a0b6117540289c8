/**
 * `npm run bench`: floor, peers and ours, alternating in one run; each row with its calibration, its target and its verdict, see
 * row.ts. `--write` puts the table into docs/performance.md, `--only=tcp,judge` runs parts, `--rounds=N` sets the rounds of tcp
 * and http, `--shared` notes in the table that others used the machine meanwhile. Exit code 1 when a row misses or is void.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { describe, isQuick, look } from './machine.ts';
import { judgePass, reaction, reload, scrape } from './parts.ts';
import { compile } from './peers.ts';
import { type Row, tableOf, verdictOf } from './row.ts';
import { scale } from './scale.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    shared: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const server = compile('./server.c');
const program = compile('./floor.c');
if (!server || !program) {
  console.error('bench needs gcc: apt-get install gcc libc6-dev');
  process.exit(1);
}
const rounds = Number(options.rounds);
const parts: Readonly<Record<string, () => Promise<Row[]>>> = {
  tcp: () => compare(server, program, { mode: 'tcp', rounds, timesFloor: 1.25, timesBlackbox: 0.1 }),
  http: () => compare(server, program, { mode: 'http', rounds, timesFloor: 1.6, timesBlackbox: 0.15 }),
  scale: () => scale(server, program),
  judge: judgePass,
  scrape,
  reload,
  reaction,
};
const wanted = options.only?.split(',') ?? Object.keys(parts);
const unknown = wanted.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`);
  process.exit(1);
}

const first = await look(server, program);
const rows: Row[] = [];
for (const name of Object.keys(parts).filter((part) => wanted.includes(part))) {
  console.log(name);
  rows.push(...(await run(name, parts[name]!)));
}
const looks = [first, await look(server, program)];
const quick = isQuick(looks);
const shared = options.shared ? '\nOthers used the machine during this run.' : '';
const text = `${describe(looks)}${shared}\n\n${tableOf(rows, quick)}`;
console.log(`\n${text}`);
if (options.write) {
  const path = new URL('../../docs/performance.md', import.meta.url);
  const marked = /(<!-- bench -->\n)[\s\S]*(\n<!-- \/bench -->)/;
  // A function: a `$` in the text is a `$`.
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(marked, (_, open: string, close: string) => open + text + close),
  );
}
process.exitCode = rows.every((row) => verdictOf(row, quick).is === 'pass') ? 0 : 1;

/** A part that ends with an error proves nothing: one void row, and the others go on. */
async function run(name: string, part: () => Promise<Row[]>): Promise<Row[]> {
  try {
    const measured = await part();
    if (measured.length > 0) return measured;
    return [{ what: name, value: null, limit: 0, unit: '', needs: [{ what: 'it measured something', holds: false }] }];
  } catch (error) {
    console.error(error);
    return [
      {
        what: name,
        value: null,
        limit: 0,
        unit: '',
        needs: [{ what: `${(error as Error).message.split('\n')[0]}`, holds: false }],
      },
    ];
  }
}
