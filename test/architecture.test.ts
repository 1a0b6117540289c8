/** Reads every import of src/ and fails on a door the house does not have. The table is the one of docs/architecture.md. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** Room → rooms it may import. Its own files are always allowed. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  judge: ['model'],
  sys: ['model'],
  checks: ['sys', 'model'],
  lanes: ['checks', 'sys', 'model'],
  collect: ['sys', 'model'],
  act: ['sys', 'model'],
  config: ['model'],
  metrics: ['model'],
  report: ['metrics', 'model'],
  http: ['report', 'metrics', 'model', 'sys'],
  // Exports what the agent measured and did; it sees values of the model only, so that no other room depends on OpenTelemetry.
  otel: ['metrics', 'sys', 'model'],
  daemon: ['act', 'collect', 'config', 'http', 'judge', 'lanes', 'metrics', 'otel', 'report', 'sys', 'model'],
  // A source is readable when its collector can read it: no second way to ask.
  doctor: ['collect', 'sys', 'model'],
  // The demo and the system tests stand on it: namespaces, faults, backends, clients, pager.
  lab: ['report', 'sys', 'model'],
  cli: ['act', 'checks', 'collect', 'config', 'daemon', 'doctor', 'http', 'judge', 'lab', 'metrics', 'model', 'report', 'sys'],
};
/** Single files a room may use although the room is closed to it: the plug-in lists, for their schemas. */
const WINDOWS: Readonly<Record<string, readonly string[]>> = {
  config: [
    'src/checks/index.ts',
    'src/checks/kind.ts',
    'src/act/index.ts',
    'src/act/actuator.ts',
    'src/act/effects.ts',
    'src/collect/index.ts',
    'src/collect/settings.ts',
  ],
  cli: ['src/main.ts', 'src/lanes/once.ts'],
  // Started as a child process, not imported.
  lab: ['src/cli/main.ts'],
};
/** Rooms without I/O, and the node: modules they may use all the same (pure functions). */
const PURE: Readonly<Record<string, readonly string[]>> = { model: ['node:net'], judge: [] };
const MAX_LINES = 400;

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
}

function imports(): Import[] {
  const found: Import[] = [];
  for (const file of globSync('src/**/*.ts')) {
    const text = readFileSync(file, 'utf8');
    const pattern = /(?:from\s+|import\s*\(\s*|import\s+|new URL\(\s*)['"`]([^'"`]+)['"`]/g;
    for (const [, target] of text.matchAll(pattern)) found.push({ file, room: file.split('/')[1]!, target: target! });
  }
  return found;
}

test('imports go through the doors of the house only', () => {
  const all = imports();
  assert.ok(all.length > 100, 'the scan sees the imports');
  const forbidden = all.filter(({ file, room, target }) => {
    if (!target.startsWith('.') || room === 'main.ts') return false;
    const path = normalize(join(dirname(file), target)).replace(/\$\{extension\}$/, '.ts');
    const to = path.split('/')[1]!;
    if (!path.startsWith('src/')) return !path.endsWith('package.json') && !(room === 'lab' && path === 'alerts');
    return to !== room && !(DOORS[room] ?? []).includes(to) && !(WINDOWS[room] ?? []).includes(path);
  });
  assert.deepEqual(forbidden, []);
});

test('every room is known', () => {
  const rooms = new Set(globSync('src/*/').map((d) => d.split('/')[1]!));
  for (const room of rooms) assert.ok(room in DOORS, `src/${room} has no row in DOORS`);
});

test('pure rooms do no I/O', () => {
  const bad = imports().filter(({ room, target }) => {
    const allowed = PURE[room];
    return allowed !== undefined && target.startsWith('node:') && !allowed.includes(target);
  });
  assert.deepEqual(bad, []);
  for (const file of globSync('src/judge/*.ts')) {
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    assert.doesNotMatch(
      code,
      /\b(Date\.now|performance\.|setTimeout|setInterval|process\.|console\.|Math\.random|globalThis)/,
      file,
    );
  }
});

test('libc is called from sys only, and HTTP goes through undici or node:http in sys and http', () => {
  const koffi = imports().filter(({ target, room }) => target === 'koffi' && room !== 'sys');
  assert.deepEqual(koffi, []);
  const children = imports().filter(
    ({ target, room }) => target === 'node:child_process' && !['sys', 'cli', 'lab'].includes(room),
  );
  assert.deepEqual(children, []);
});

test('files stay small', () => {
  const sizes = globSync(['src/**/*.ts', 'test/**/*.ts']).map((f) => ({ f, lines: readFileSync(f, 'utf8').split('\n').length }));
  assert.deepEqual(
    sizes.filter((s) => s.lines > MAX_LINES),
    [],
  );
  const src = sizes.filter((s) => s.f.startsWith('src/')).map((s) => s.lines);
  src.sort((a, b) => a - b);
  assert.ok(src[Math.floor(src.length * 0.95)]! <= 300, 'the 95th percentile of src files');
});
