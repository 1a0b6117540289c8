/**
 * `node src/build/build.mjs`, which `npm ci` runs: builds dist/ when it is not what the sources would give (built.mjs). It never
 * fails an installation: without dist/ a start reads the sources.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { distOf, isFresh, ROOT, stampOf, stateOf } from './built.mjs';

/** What is built of packages: their list, and what is installed. */
const PACKAGES = ['package-lock.json', 'node_modules/.package-lock.json'];
/** Native, with paths of its own, or CommonJS that is imported when it is needed, whose names only Node finds. */
const EXTERNAL = ['koffi', '@opentelemetry/*', 'undici', 'bcryptjs', 'esbuild'];
/** Modules of packages that are CommonJS ask for Node's own by this. */
const REQUIRE = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

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
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: entries.map((path) => ({ in: path, out: basename(path, '.ts') })),
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    chunkNames: 'chunk-[hash]',
    external: EXTERNAL,
    banner: { js: REQUIRE },
    plugins: [placing(root, sources)],
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const used = Object.keys(metafile.inputs).filter((path) => path in states);
  const before = stampOf(root)?.made ?? [];
  const made = outputFiles.map(({ path }) => basename(path));
  mkdirSync(distOf(root), { recursive: true });
  for (const { path, contents } of outputFiles) put(path, contents);
  const stamp = { sources: Object.fromEntries([...used, ...PACKAGES].map((path) => [path, states[path]])), made };
  put(join(distOf(root), 'stamp.json'), JSON.stringify(stamp));
  const kept = new Set([...made, ...before, 'stamp.json']);
  for (const name of readdirSync(distOf(root))) if (!kept.has(name)) rmSync(join(distOf(root), name));
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
