/** Dumps asked of a process that writes them as slowly, or as badly, as the test says; pid files that lead astray. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findProcesses } from '../../src/collect/keepalived/processes.ts';
import { Requester } from '../../src/collect/keepalived/requester.ts';
import { type ProcessInfo, readProcess } from '../../src/sys/process.ts';

const FAKE = fileURLToPath(new URL('keepalived.fake.ts', import.meta.url));
const DUMP = fileURLToPath(new URL('../fixtures/keepalived/ka-steady.keepalived.json', import.meta.url));
const USR2 = 12;
const NEVER = new AbortController().signal;
const dir = mkdtempSync(join(tmpdir(), 'fourlane-keepalived-fake-'));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

async function fake(mode: string): Promise<ProcessInfo> {
  const env = { ...process.env, TMPDIR: join(dir, mode) };
  const child = spawn(process.execPath, [FAKE, DUMP, mode], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise((done) => child.stdout.once('data', done));
  return (await readProcess(child.pid!))!;
}

/** @param pace by how much time seems to pass faster */
function requester(pace = 1, signal = USR2, file?: string): Requester {
  return new Requester({ file, signal, details: false, clock: () => performance.now() * pace });
}

describe('keepalived: asking for a dump', () => {
  it('waits until the file is new and whole, and counts what it read in between', async () => {
    const vrrp = await fake('slow');
    const r = requester();
    const { instances, took, written } = await r.request(vrrp, NEVER);
    assert.deepEqual(
      instances.map((i) => i.name),
      ['VI_1', 'VI_6', 'VI_W'],
    );
    assert.ok(took >= 100, `${took} ms: not the old one`);
    assert.ok(Math.abs(written - Date.now() / 1000) < 10);
    assert.ok(r.retries.empty >= 1 && r.retries.torn >= 1, JSON.stringify(r.retries));
  });

  it('tells what it waited for in vain', async () => {
    const silent = await fake('silent');
    await assert.rejects(
      requester(10).request(silent, NEVER),
      /did not write \S+\/silent\/keepalived.json .*only an older one is there: .*dumpFile/,
    );
    await assert.rejects(requester(10, USR2, '/none/x.json').request(silent, NEVER), /it has no directory \/none; create it/);
    const broken = await fake('broken');
    await assert.rejects(requester(10).request(broken, NEVER), /did not finish .*it ends in the middle, after 1753 characters/);
  });

  it('gives up with the signal', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(requester().request(await readOne(), abort.signal), { name: 'AbortError' });
  });

  it('sends nothing to a process that would end by it', async () => {
    const vrrp = await readOne();
    await assert.rejects(requester(1, 40).request(vrrp, NEVER), /does not take signal 40: .*built without JSON.*jsonSignal/);
    assert.notEqual(await readProcess(vrrp.pid), undefined);
  });
});

/** The process that says nothing, once more. */
async function readOne(): Promise<ProcessInfo> {
  return (await readProcess(children[1]!.pid!))!;
}

describe('keepalived: its processes', () => {
  const file = (name: string, text?: string) => {
    const path = join(dir, name);
    if (text !== undefined) writeFileSync(path, text);
    return path;
  };
  const files = (parent: string, vrrp = file('none')) => ({ parent, vrrp, checker: file('none') });

  it('are those that pid files name, with the right parent', async () => {
    const own = file('own', `${process.pid}\n`);
    const child = file('child', String((await readOne()).pid));
    const { parent, vrrp, checker, number } = await findProcesses(files(own, child));
    assert.deepEqual([parent.process?.pid, vrrp.process?.parent, checker.present], [process.pid, process.pid, false]);
    assert.ok(number >= 2);
    assert.match(checker.problem!, /no pid file .*none; name it with collectors.keepalived.checkersPidFile/);
  });

  it('are not those that stale or wrong ones name', async () => {
    const problem = async (text: string) => (await findProcesses(files(file('bad', text)))).parent.problem;
    assert.match((await problem('4194305'))!, /names process 4194305, which does not run/);
    for (const text of ['', '0', '-1', '1x', '12345678901', '1 2'])
      assert.match((await problem(text))!, /expected the number of a process/);
    const stranger = await findProcesses(files(file('own2', String(process.pid)), file('one', '1')));
    assert.match(stranger.vrrp.problem!, /names process 1, which is no child of keepalived/);
    assert.equal((await findProcesses(files(file('none')))).number, 0);
  });
});
