import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { build } from '../../src/build/build.mjs';
import { builtOr, stampOf } from '../../src/build/built.mjs';

const root = mkdtempSync(join(tmpdir(), 'fourlane-build-'));
after(() => rmSync(root, { recursive: true }));

/** Written as if it had been there for an hour. */
function write(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  const then = Date.now() / 1000 - 3600;
  utimesSync(file, then, then);
}
const started = () => builtOr('main.js', 'src/cli/main.ts', root);
function run(): string {
  const { stdout, stderr } = spawnSync(process.execPath, [started()], { encoding: 'utf8', cwd: tmpdir() });
  return stdout + stderr;
}
const chunks = () => readdirSync(join(root, 'dist')).filter((name) => name.startsWith('chunk-'));

write('package-lock.json', '{}');
write('node_modules/.package-lock.json', '{}');
write('src/word.ts', `export const word: string = 'one';`);
write('src/late.ts', `import { word } from './word.ts'; export const late: string = word;`);
write(
  'src/node.ts',
  `import path, { join } from 'node:path'; import { Agent, createServer } from 'node:http'; import * as net from 'node:net';
   const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
   export const node = [
     join === path.join, typeof createServer, Agent.name, net.isIP('::1'), typeof net.BlockList,
     moduleLoadList.some((name) => name.includes('undici')),
   ].join();`,
);
write('src/place.ts', `export const place = import.meta.url; export const isMain = import.meta.main;`);
write('src/part/odd.worker.ts', `import { word } from '../word.ts'; console.log('thread', word);`);
write(
  'src/part/thread.ts',
  `import { Worker } from 'node:worker_threads';
   export const start = () => new Worker(new URL(\`./odd.worker\${import.meta.filename.slice(-3)}\`, import.meta.url));`,
);
write(
  'src/cli/main.ts',
  `import { node } from '../node.ts'; import { isMain, place } from '../place.ts'; import { start } from '../part/thread.ts';
   console.log((await import('../late.ts')).late, isMain, place); console.log('node', node); start();`,
);
const PLACE = pathToFileURL(join(root, 'src/place.ts')).href;

describe('what is built', () => {
  it('does what the sources do: a module knows the place of its source, a thread starts from what was built', async () => {
    assert.equal(started(), join(root, 'src/cli/main.ts'));
    const fromSources = run();
    assert.equal(fromSources, `one false ${PLACE}\nnode true,function,Agent,6,function,true\nthread one\n`);
    await build(root);
    assert.equal(started(), join(root, 'dist/main.js'));
    // But for one thing: what an import of node:http loads and nobody uses.
    assert.equal(run(), fromSources.replace(',true\n', ',false\n'));
    assert.ok(existsSync(join(root, 'dist/odd.worker.js')));
  });

  it('is left alone as soon as a source is another one, is missing, or packages are others', async () => {
    write('src/word.ts', `export const word: string = 'three';`);
    assert.equal(started(), join(root, 'src/cli/main.ts'));
    assert.match(run(), /^three .*\nnode .*\nthread three\n$/);
    await build(root);
    assert.equal(started(), join(root, 'dist/main.js'));
    // The same size, another time.
    write('node_modules/.package-lock.json', '[]');
    const past = Date.now() / 1000 - 7200;
    utimesSync(join(root, 'node_modules/.package-lock.json'), past, past);
    assert.equal(started(), join(root, 'src/cli/main.ts'));
    await build(root);
    rmSync(join(root, 'src/place.ts'));
    assert.equal(started(), join(root, 'src/cli/main.ts'));
    write('src/place.ts', `export const place = import.meta.url; export const isMain = import.meta.main;`);
  });

  it('keeps what a program of the build before may load, and no more', async () => {
    const generations: (readonly string[])[] = [];
    for (const word of ['four', 'fifth', 'sixth one']) {
      write('src/word.ts', `export const word: string = '${word}';`);
      await build(root);
      generations.push(stampOf(root)!.made.filter((name) => name.startsWith('chunk-')));
    }
    assert.deepEqual(chunks().toSorted(), [...new Set(generations.slice(1).flat())].toSorted());
    assert.ok(!generations[0]!.every((name) => chunks().includes(name)));
  });

  it('is not read when some of it is gone, or its stamp is damaged', () => {
    assert.equal(started(), join(root, 'dist/main.js'));
    const [chunk] = stampOf(root)!.made.filter((name) => name.startsWith('chunk-'));
    rmSync(join(root, 'dist', chunk!));
    assert.equal(started(), join(root, 'src/cli/main.ts'));
    for (const text of ['{"sources":', 'null', '{"sources":{"src/word.ts":null},"made":[]}', '{"sources":null,"made":[]}']) {
      writeFileSync(join(root, 'dist/stamp.json'), text);
      assert.equal(started(), join(root, 'src/cli/main.ts'), text);
    }
  });

  it('is refused with the place when a source cannot be read, and what is there stays', async () => {
    const before = readdirSync(join(root, 'dist')).toSorted();
    write('src/word.ts', `export const word: string = ;`);
    await assert.rejects(build(root), /src\/word\.ts:1:\d+: ERROR: Unexpected/);
    assert.deepEqual(readdirSync(join(root, 'dist')).toSorted(), before);
  });
});
