/** Local users without rights, and files that are not what they seem. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepalivedOwner } from '../../../src/act/ipvs/keepalived.ts';
import { attackBeside, type Site } from '../beside.ts';
import type { Scenario } from '../scenario.ts';

const NOBODY = 65_534;

/** A program of nobody that calls itself keepalived and names this file. */
function impostor(file: string): ChildProcess {
  return spawn('bash', ['-c', 'exec -a keepalived tail -f "$1"', 'bash', file], { uid: NOBODY, gid: NOBODY, stdio: 'ignore' });
}

const fifoAt = (path: string) => execFileSync('mkfifo', ['-m', '666', path]);
/** It ends when it is asked to, soon. */
async function endsSoon({ agent }: Site): Promise<void> {
  const from = performance.now();
  const code = await agent.end('SIGTERM', 10_000);
  assert.equal(code, 0, `it ended with ${code}`);
  assert.ok(performance.now() - from < 5500, `SIGTERM took ${Math.round(performance.now() - from)} ms`);
}

/** Who owns a service, asked as the actuator asks, while somebody claims it. */
const owner: Scenario = {
  family: 'local',
  name: 'a keepalived of nobody claims a service, or hangs in a FIFO',
  before: 'no weight written, no retry; file I/O of the agent frozen',
  short: true,
  async run() {
    const dir = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
    chmodSync(dir, 0o755);
    const conf = join(dir, 'k.conf');
    const fifo = join(dir, 'fifo');
    writeFileSync(conf, 'virtual_server 10.0.0.1 80 {\n}\n');
    fifoAt(fifo);
    const impostors = [impostor(conf), ...Array.from({ length: 5 }, () => impostor(fifo))];
    try {
      await sleep(500);
      const seen = impostors.filter(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('keepalived\0'));
      if (seen.length < impostors.length) throw new Error(`only ${seen.length} of ${impostors.length} run as keepalived`);
      const from = performance.now();
      const who = await keepalivedOwner(() => performance.now())('10.0.0.1:80/tcp', AbortSignal.timeout(2000)).catch(String);
      const tookMs = performance.now() - from;
      const misses = who === undefined ? [] : [`believed: ${who}`];
      if (tookMs > 1000) misses.push(`took ${Math.round(tookMs)} ms`);
      return { control: 'nobody owns it', now: `${who ?? 'nobody owns it'}, asked in ${Math.round(tookMs)} ms`, misses };
    } finally {
      for (const each of impostors) each.kill('SIGKILL');
      execFileSync('rm', ['-rf', dir]);
    }
  },
};

/** Somebody else has the port before the agent starts. */
const port: Scenario = {
  family: 'local',
  name: 'port 9844 taken before the start, by nobody',
  before: 'LISTEN_FAILED, the agent ends; status shows his text',
  async run(quick) {
    const taken = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')).listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port: number } = taken.address() as { port: number };
    const inner = attackBeside({
      family: '',
      name: '',
      before: '',
      config: () => ({ listen: `127.0.0.1:${number}` }),
      attack: async ({ agent }) => ({
        check: async () => {
          assert.ok(agent.logged(/another program listens there.*probing goes on/), 'nothing is said of it');
          const seen = await agent.control('/api/v1/status');
          assert.equal(seen.status, 200);
        },
        stop: () => undefined,
      }),
    });
    try {
      return await inner.run(quick);
    } finally {
      taken.close();
    }
  },
};

export const local = [
  owner,
  port,
  attackBeside({
    family: 'local',
    name: 'a FIFO where the track file goes',
    before: 'pending for ever, SIGTERM does not end the agent',
    short: true,
    prepare: (dir) => fifoAt(join(dir, 'track')),
    config: (dir) => ({
      nics: ['127.0.0.2', '127.0.0.3'].map((source, i) => ({
        name: `lo${i}`,
        device: 'lo',
        source,
        onFail: i === 0 ? [{ trackFile: { path: join(dir, 'track') } }] : [],
      })),
    }),
    attack: async (site) => ({
      check: async () => {
        assert.equal(readFileSync(join(site.dir, 'track'), 'latin1'), '0\n');
        await endsSoon(site);
      },
      stop: () => undefined,
    }),
  }),
  attackBeside({
    family: 'local',
    name: 'a FIFO where the evidence log goes',
    before: 'SIGKILL needed',
    prepare: (dir) => fifoAt(join(dir, 'evidence')),
    config: (dir) => ({ evidence: { log: join(dir, 'evidence') } }),
    attack: async (site) => ({
      check: async () => {
        assert.ok(site.agent.logged(/^evidence log .*tried again/), 'nothing is said of it');
        await endsSoon(site);
      },
      stop: () => undefined,
    }),
  }),
  attackBeside({
    family: 'local',
    name: 'a FIFO in place of the configuration, and 50 reloads',
    before: 'the thread blocked for ever',
    attack: async (site) => {
      execFileSync('rm', [site.config]);
      fifoAt(site.config);
      for (let k = 0; k < 50; k++) site.agent.signal('SIGHUP');
      return {
        check: async () => {
          assert.ok(site.agent.logged(/config not applied: .*FIFO/), 'nothing is said of it');
          await endsSoon(site);
        },
        stop: () => undefined,
      };
    },
  }),
  attackBeside({
    family: 'local',
    name: 'a symbolic link where the evidence log goes',
    before: 'a root file got JSON appended',
    prepare: (dir) => {
      mkdirSync(join(dir, 'theirs'));
      writeFileSync(join(dir, 'theirs', 'file'), 'theirs\n');
      symlinkSync(join(dir, 'theirs', 'file'), join(dir, 'evidence'));
    },
    config: (dir) => ({ evidence: { log: join(dir, 'evidence') } }),
    attack: async ({ dir }) => ({
      check: async () => assert.equal(readFileSync(join(dir, 'theirs', 'file'), 'utf8'), 'theirs\n'),
      stop: () => undefined,
    }),
  }),
];
