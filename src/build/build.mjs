/**
 * `node src/build/build.mjs`, which `npm ci` runs: builds dist/ when it is not what the sources would give (built.mjs). It never
 * fails an installation: without dist/ a start reads the sources.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { distOf, isFresh, ROOT, stampOf, stateOf } from './built.mjs';

/** What is built of packages: their list, and what is installed. */
const PACKAGES = ['package-lock.json', 'node_modules/.package-lock.json'];
/** Native, with paths of its own, or CommonJS that is imported when it is needed, whose names only Node finds. */
const EXTERNAL = ['koffi', '@opentelemetry/*', 'undici', 'bcryptjs', 'esbuild'];
/** Modules of packages that are CommonJS ask for Node's own by this. */
const REQUIRE = "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);";

/**
 * @param {string} root
 * @returns {string[]} all sources, by path from the checkout
 */
function sourcesOf(root) {
  const all = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return all.filter((path) => /\.(?:ts|mjs)$/.test(path)).map((path) => join('src', path));
}

/**
 * A module finds files by its own place, which in dist/ is another; only threads are there, too.
 *
 * @param {string} text
 * @param {string} path from the checkout
 */
function inPlace(text, path) {
  if (text.includes('.worker$')) return text;
  return text
    .replaceAll('import.meta.url', `new URL(${JSON.stringify(join('..', path))}, import.meta.url).href`)
    .replaceAll('import.meta.main', 'false');
}

/**
 * @param {string} root
 * @param {readonly string[]} sources
 * @returns {import('esbuild').Plugin}
 */
function placing(root, sources) {
  const texts = new Map(sources.map((path) => [join(root, path), readFileSync(join(root, path), 'utf8')]));
  const moved = [...texts].filter(([, text]) => text.includes('import.meta.'));
  const named = moved.map(([path]) => path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  return {
    name: 'placing',
    setup(build) {
      build.onLoad({ filter: new RegExp(`^(?:${named})$`) }, ({ path }) => ({
        contents: inPlace(texts.get(path) ?? '', relative(root, path)),
        loader: 'ts',
      }));
    },
  };
}

/**
 * Node's own modules are asked for without the import of them, which reads each of their exports to give them names: for
 * `node:http` that loads fetch and WebSocket, which nobody uses: 14 MB and 70 ms of a process that does nothing else.
 *
 * @type {import('esbuild').Plugin}
 */
const NODES_OWN = {
  name: 'nodes-own',
  setup(build) {
    build.onResolve({ filter: /^[a-z:_/]+$/ }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path) ? { path, namespace: 'nodes-own' } : undefined,
    );
    build.onLoad({ filter: /^/, namespace: 'nodes-own' }, ({ path }) => {
      const names = Object.getOwnPropertyNames(process.getBuiltinModule(path)).filter((name) => /^(?!default$)\w+$/.test(name));
      const lines = [
        `const $module = process.getBuiltinModule(${JSON.stringify(path)});`,
        'const $read = (name) => $module[name];',
        'export default $module;',
        // Only what is used remains, so only that is read.
        ...names.map((name) => `export const ${name} = /* @__PURE__ */ $read('${name}');`),
      ];
      return { contents: lines.join('\n') };
    });
  },
};

/**
 * Builds, whatever is there. What the build before made stays: a program that runs may load of it what it has not yet.
 *
 * @param {string} root
 */
export async function build(root) {
  const esbuild = await import('esbuild');
  const sources = sourcesOf(root);
  const states = Object.fromEntries([...sources, ...PACKAGES].map((path) => [path, stateOf(root, path)]));
  // What is changed in the second in which it is read could not be told from what was read.
  const newest = Math.max(...sources.map((path) => states[path]?.[1] ?? 0));
  if (newest * 1000 + 1000 > Date.now()) await sleep(1000);
  const entries = ['src/cli/main.ts', ...sources.filter((path) => path.endsWith('.worker.ts'))];
  const plugins = [NODES_OWN, placing(root, sources)];
  // Each by itself: of what several threads need, each reads what it uses, in one file.
  const builds = await Promise.all(entries.map((path) => bundle(esbuild, root, path, plugins)));
  const files = new Map(builds.flatMap(({ outputFiles }) => outputFiles.map(({ path, contents }) => [basename(path), contents])));
  const inputs = new Set(builds.flatMap(({ metafile }) => Object.keys(metafile.inputs)));
  const used = [...inputs].filter((path) => path in states);
  const before = stampOf(root)?.made ?? [];
  const made = [...files.keys()];
  mkdirSync(distOf(root), { recursive: true });
  for (const [name, contents] of files) put(join(distOf(root), name), contents);
  const stamp = { sources: Object.fromEntries([...used, ...PACKAGES].map((path) => [path, states[path]])), made };
  put(join(distOf(root), 'stamp.json'), JSON.stringify(stamp));
  const kept = new Set([...made, ...before, 'stamp.json']);
  for (const name of readdirSync(distOf(root))) if (!kept.has(name)) rmSync(join(distOf(root), name));
}

/**
 * @param {typeof import('esbuild')} esbuild
 * @param {string} root
 * @param {string} path of a command line or a thread
 * @param {import('esbuild').Plugin[]} plugins
 */
function bundle(esbuild, root, path, plugins) {
  return esbuild.build({
    absWorkingDir: root,
    entryPoints: [{ in: path, out: basename(path, '.ts') }],
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    chunkNames: 'chunk-[hash]',
    external: EXTERNAL,
    banner: { js: REQUIRE },
    plugins,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
}

/**
 * At once: a start reads the file of before or this one.
 *
 * @param {string} path
 * @param {string | Uint8Array} contents
 */
function put(path, contents) {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, contents);
  renameSync(next, path);
}

if (import.meta.filename === process.argv[1]) {
  const stamp = stampOf(ROOT);
  if (stamp === undefined || !isFresh(stamp, ROOT)) {
    await build(ROOT).catch((error) => {
      console.error(`fourlane: nothing was built, starts read the sources, which takes longer: ${error.message}`);
    });
  }
}
