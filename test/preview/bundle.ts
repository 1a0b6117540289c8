/**
 * The preview's page as one script: its packages are installed in a cache of their own, where the project's dependencies never
 * see them.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HERE = join(ROOT, 'test/preview');
const CACHE = join(ROOT, '.cache/dashboard-preview');
const MODULES = join(CACHE, 'node_modules');

export interface Bundle {
  readonly script: Buffer;
  readonly style: Buffer;
  /** Directory of the icons that the components ask for under `/public/`. */
  readonly icons: string;
}

function run(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const { status, error } = spawnSync(argv[0]!, argv.slice(1), { cwd: CACHE, stdio: ['ignore', 'inherit', 'inherit'], env });
  if (status !== 0) throw new Error(`${argv.slice(0, 3).join(' ')} failed: ${error?.message ?? `code ${status}`}`);
}

/** Installs the packages of `package-lock.json` unless just these are there: 600 MB, half a minute and more. */
function install(): void {
  const lock = 'package-lock.json';
  // npm writes this file last; our lock beside it says what for.
  const done = join(MODULES, '.package-lock.json');
  const same = () => readFileSync(join(CACHE, lock), 'utf8') === readFileSync(join(HERE, lock), 'utf8');
  if (existsSync(done) && existsSync(join(CACHE, lock)) && same()) return;
  console.log(`Installing Grafana's components into ${CACHE} …`);
  mkdirSync(CACHE, { recursive: true });
  for (const file of ['package.json', lock]) copyFileSync(join(HERE, file), join(CACHE, file));
  // Peers: packages of theirs ask for React 16 or 17. Scripts: none is needed, esbuild's program comes as a package.
  run(['npm', 'ci', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund']);
}

/** Installs what is missing, checks the page's types, and builds it. */
export function bundle(): Bundle {
  install();
  run([join(ROOT, 'node_modules/.bin/tsc'), '-p', join(HERE, 'page')]);
  const out = join(CACHE, 'page');
  const loaders = ['svg', 'woff', 'woff2', 'ttf', 'png', 'gif'].map((ext) => `--loader:.${ext}=dataurl`);
  run(
    [
      join(MODULES, '.bin/esbuild'),
      join(HERE, 'page/main.tsx'),
      '--bundle',
      '--minify',
      `--outdir=${out}`,
      '--format=iife',
      '--target=es2022',
      '--main-fields=module,browser,main',
      '--conditions=module,browser',
      '--define:process.env.NODE_ENV="production"',
      '--define:process.env={}',
      '--define:global=window',
      '--log-level=error',
      ...loaders,
    ],
    { ...process.env, NODE_PATH: MODULES },
  );
  const file = (name: string) => readFileSync(join(out, name));
  return { script: file('main.js'), style: file('main.css'), icons: join(MODULES, '@grafana/ui/dist/public') };
}
