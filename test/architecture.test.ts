/** Reads every import of src/ and fails on a door the house does not have. The table is the one of docs/architecture.md. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** Room → rooms it may import. Its own files are always allowed. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  build: [],
  model: [],
  judge: ['model'],
  sys: ['model'],
  keepalived: ['model'],
  // What the edge of a load balancer should announce and use: values in, values and text out.
  edge: ['model'],
  // Control sockets of routing daemons: asked by the collector, made to shut sessions by the actuator.
  routing: ['edge', 'sys', 'model'],
  checks: ['sys', 'model'],
  lanes: ['checks', 'sys', 'model'],
  // Whether real servers get the address of the client: asked by a command, and at a slow interval by a collector's thread.
  passthrough: ['checks', 'edge', 'sys', 'model'],
  collect: ['edge', 'keepalived', 'passthrough', 'routing', 'sys', 'model'],
  act: ['edge', 'keepalived', 'routing', 'sys', 'model'],
  config: ['edge', 'keepalived', 'model'],
  // Two deciders held against each other: values in, values and text out.
  shadow: ['model'],
  metrics: ['model'],
  report: ['metrics', 'model'],
  http: ['report', 'metrics', 'model', 'sys'],
  // Exports what the agent measured and did; it sees values of the model only, so that no other room depends on OpenTelemetry.
  otel: ['metrics', 'sys', 'model'],
  daemon: [
    'act',
    'cluster',
    'collect',
    'config',
    // What its plan announces is shown to the other servers.
    'edge',
    'http',
    'judge',
    'keepalived',
    'lanes',
    'metrics',
    'otel',
    'report',
    'shadow',
    'sys',
    'model',
  ],
  // A source is readable when its collector can read it: no second way to ask.
  doctor: ['cluster', 'collect', 'edge', 'keepalived', 'routing', 'sys', 'model'],
  // It asks the machine as the doctor does, and data planes through their collectors.
  init: ['collect', 'doctor', 'keepalived', 'model'],
  // One configuration in etcd, the fleet's evidence and its budgets.
  cluster: ['sys', 'model'],
  // The demo and the system tests stand on it: namespaces, faults, backends, clients, pager.
  lab: ['edge', 'report', 'sys', 'model'],
  cli: [
    'act',
    'build',
    'checks',
    'cluster',
    'collect',
    'config',
    'daemon',
    'doctor',
    'edge',
    'http',
    'init',
    'judge',
    'keepalived',
    'lab',
    'metrics',
    'model',
    'passthrough',
    'report',
    'sys',
  ],
};
/** Single files a room may use although the room they are in is closed to it. */
const WINDOWS: Readonly<Record<string, readonly string[]>> = {
  config: [
    'src/checks/index.ts',
    'src/act/index.ts',
    'src/collect/index.ts',
    'src/collect/settings.ts',
    'src/cluster/agent/open.ts',
    'src/sys/compiled.mjs',
  ],
  cli: ['src/main.ts', 'src/lanes/once.ts'],
  passthrough: ['src/lanes/once.ts'],
  // Started as a child process, not imported.
  lab: ['src/cli/fourlane.mjs'],
};
/** Rooms without I/O, and the node: modules they may use all the same (pure functions). */
const PURE: Readonly<Record<string, readonly string[]>> = {
  model: ['node:net'],
  judge: [],
  keepalived: ['node:net'],
  edge: ['node:net'],
  shadow: [],
};
/** What reaches out of the process, and the rooms that may use it. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  koffi: ['sys'],
  undici: ['sys'],
  'node:child_process': ['sys', 'cli', 'lab'],
  'node:http': ['http', 'otel', 'lab'],
  'node:https': ['cluster', 'otel'],
  '@grpc/grpc-js': ['cluster'],
  'node:tls': ['checks', 'cluster', 'sys'],
  'node:worker_threads': ['cluster', 'config', 'daemon', 'lanes', 'otel', 'passthrough', 'sys'],
};
const MAX_LINES = 400;
const MAX_COLUMNS = 130;

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
}

function imports(): Import[] {
  const found: Import[] = [];
  for (const file of globSync('src/**/*.{ts,mjs}')) {
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

test('no window stands open for nobody', () => {
  const used = new Set(imports().map(({ file, room, target }) => `${room} ${normalize(join(dirname(file), target))}`));
  const unused = Object.entries(WINDOWS).flatMap(([room, files]) => files.filter((file) => !used.has(`${room} ${file}`)));
  assert.deepEqual(unused, []);
});

test('docs/architecture.md names every room with what it may use', () => {
  const page = readFileSync('docs/architecture.md', 'utf8');
  const rows = new Map([...page.matchAll(/^\| `(\w+)\/` \| .* \| (.*) \|$/gm)].map((m) => [m[1]!, m[2]!]));
  for (const [room, doors] of Object.entries(DOORS)) {
    const row = rows.get(room);
    assert.ok(row !== undefined, `src/${room} has no row`);
    const named = Object.keys(DOORS).filter((other) => new RegExp(`\\b${other}\\b`).test(row.replace(/\(.*?\)/g, '')));
    assert.deepEqual(new Set(named), new Set(doors), room);
  }
  for (const file of Object.values(WINDOWS).flat()) assert.ok(page.includes(`\`${file.slice(4)}\``), `${file} is not named`);
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
  for (const file of globSync(['src/judge/*.ts', 'src/{keepalived,edge}/**/*.ts'])) {
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    assert.doesNotMatch(
      code,
      /\b(Date\.now|performance\.|setTimeout|setInterval|process\.|console\.|Math\.random|globalThis)/,
      file,
    );
  }
});

test('libc, HTTP, TLS, child processes and threads are used in the rooms of the table only', () => {
  const foreign = imports().filter(({ target, room }) => Object.hasOwn(OUTSIDE, target) && !OUTSIDE[target]!.includes(room));
  assert.deepEqual(foreign, []);
  const fetching = globSync('src/**/*.ts').filter((file) => /\bfetch\(/.test(readFileSync(file, 'utf8')));
  assert.deepEqual(fetching, [], 'requests go through sys');
});

test('zod is imported as a namespace, of which the build keeps what is used: a quarter', () => {
  const whole = globSync('src/**/*.ts').filter((file) => /^import \{.* from 'zod'/m.test(readFileSync(file, 'utf8')));
  assert.deepEqual(whole, []);
});

test('lines stay short', () => {
  const long = globSync(['src/**/*.{ts,mjs}', 'test/**/*.{ts,mjs}']).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, i) => (line.length > MAX_COLUMNS ? [`${file}:${i + 1}`] : [])),
  );
  assert.deepEqual(long, []);
});

test('files stay small', () => {
  const sizes = globSync(['src/**/*.{ts,mjs}', 'test/**/*.{ts,mjs}']).map((f) => ({
    f,
    lines: readFileSync(f, 'utf8').split('\n').length,
  }));
  assert.deepEqual(
    sizes.filter((s) => s.lines > MAX_LINES),
    [],
  );
  const src = sizes.filter((s) => s.f.startsWith('src/')).map((s) => s.lines);
  src.sort((a, b) => a - b);
  assert.ok(src[Math.floor(src.length * 0.95)]! <= 300, 'the 95th percentile of src files');
});

test('unit tests share a process: what a file does before or after each test, it does for its own suites only', () => {
  const unit = globSync('test/**/*.test.ts').filter((file) => !file.startsWith('test/system/'));
  assert.deepEqual(
    unit.filter((file) => /^(before|after)Each\(/m.test(readFileSync(file, 'utf8'))),
    [],
  );
});
