/** Where compiled code is kept, and by whom it is used. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compiledIn } from '../../src/sys/compiled.mjs';

const folder = mkdtempSync(join(tmpdir(), 'fourlane-compiled-'));
after(() => rmSync(folder, { recursive: true }));

/** Where a process and a thread of it keep compiled code, as JSON. */
function start(env: NodeJS.ProcessEnv): string {
  const here = (path: string) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
  const program = `
    const { keepCompiled } = await import(${here('../../src/sys/compiled.mjs')});
    keepCompiled();
    const { Worker } = await import('node:worker_threads');
    const { getCompileCacheDir } = await import('node:module');
    const told = "import { parentPort } from 'node:worker_threads'; import { getCompileCacheDir } from 'node:module';" +
      'parentPort.postMessage(getCompileCacheDir() ?? null)';
    const worker = new Worker(new URL('data:text/javascript,' + told), { execArgv: [] });
    worker.once('message', (inThread) => console.log(JSON.stringify([getCompileCacheDir() ?? null, inThread])));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    env,
    encoding: 'utf8',
    timeout: 10_000,
  });
  assert.equal(stderr, '');
  return stdout.trim();
}

describe('compiled code', () => {
  it('is kept where the unit has a directory, else at home, else nowhere', () => {
    assert.equal(compiledIn({ CACHE_DIRECTORY: `${folder}:/var/cache/more`, HOME: '/' }), join(folder, 'compiled'));
    assert.equal(compiledIn({ HOME: folder }), join(folder, '.cache/fourlane/compiled'));
    for (const none of [{}, { HOME: '' }, { HOME: join(folder, 'nobody') }, { CACHE_DIRECTORY: '/proc/none' }])
      assert.equal(compiledIn(none), undefined);
  });

  it('is used by the process and its threads, and kept for the next', () => {
    const [own, inThread] = JSON.parse(start({ CACHE_DIRECTORY: folder })) as string[];
    assert.ok(own!.startsWith(join(folder, 'compiled')), own);
    assert.equal(inThread, own);
    assert.ok(statSync(own!).isDirectory());
  });

  it('is left to who runs the process, and does without a directory', () => {
    const theirs = join(folder, 'theirs');
    const [own] = JSON.parse(start({ CACHE_DIRECTORY: folder, NODE_COMPILE_CACHE: theirs })) as string[];
    assert.ok(own!.startsWith(theirs), own);
    assert.equal(start({ CACHE_DIRECTORY: folder, NODE_DISABLE_COMPILE_CACHE: '1' }), '[null,null]');
    for (const none of ['/proc', '/dev/null']) assert.equal(start({ HOME: none }), '[null,null]');
    assert.equal(start({ CACHE_DIRECTORY: '/proc/none' }), '[null,null]');
    assert.equal(start({}), '[null,null]');
  });
});
