/**
 * P5: the kernel writes a TOA option on connections of ours with a mark, on no others, and no longer than it is asked to. With
 * the real module on the real server: test/qemu/toa/toa.guest.ts. Needs root.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { after, before, describe, it } from 'node:test';
import { passthroughCommand } from '../../src/cli/passthrough.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { verifyInThread } from '../../src/passthrough/thread.ts';
import { startSending } from '../../src/passthrough/toa/sender.ts';
import type { Job } from '../../src/passthrough/verify.ts';
import { close } from '../../src/sys/libc.ts';
import { synOfOwn, tcpOptions } from '../../src/sys/own-syn.ts';
import { enterOwnNetwork, run, until, writeConfig } from './harness.ts';
import { serveToa, type ToaServer } from './toa-server.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const LIMIT = { timeout: 30_000 };
const MARK = 8446;
const SENT = { kind: 254, ip: '192.0.2.77', port: 40_077, mark: MARK, family: 4 } as const;
const dir = mkdtempSync(join(tmpdir(), 'fourlane-toa-'));
const servers: ToaServer[] = [];

before(() => {
  ensure(['iproute2']);
  enterOwnNetwork();
});
after(() => {
  for (const server of servers) server.close();
  rmSync(dir, { recursive: true });
});

/** Whether a connection with this mark carries option 254 now. */
function carried(mark: number = MARK, family: 4 | 6 = 4): string {
  const syn = synOfOwn(family, mark);
  assert.ok(typeof syn !== 'number', `errno ${String(syn)}`);
  return Buffer.from(tcpOptions(syn).find(([kind]) => kind === 254) ?? []).toString('hex');
}

/** To verify a real server at this port. */
const job = (port: number, realServer = 'rs'): Job => ({
  way: 'direct',
  service: 'web',
  realServer,
  device: 'lo',
  address: { family: 4, ip: '127.0.0.1', port },
  check: { type: 'http', interval: 1000, timeout: 500, fall: 3, rise: 2 },
  passthrough: { mode: 'toa', echo: '/', through: ['direct'], option: { kind: 254, mark: MARK } },
});

describe('the option', () => {
  it('needs cgroup v2, which is named while it is not mounted', LIMIT, async () => {
    const sending = await startSending(SENT);
    assert.ok('missing' in sending);
    assert.match(sending.missing, /^needs cgroup v2 \(mount -t cgroup2 none \/sys\/fs\/cgroup\): /);
    run('mount -t cgroup2 none /sys/fs/cgroup');
  });

  it('is on connections with the mark and of the family, until it is closed', LIMIT, async () => {
    assert.equal(carried(), '');
    const four = await startSending(SENT);
    const six = await startSending({ ...SENT, family: 6, ip: '2001:db8::77' });
    assert.ok('link' in four && 'link' in six, JSON.stringify([four, six]));
    assert.equal(carried(), 'fe089c8dc000024d');
    assert.equal(carried(MARK, 6), 'fe149c8d20010db8000000000000000000000077');
    assert.equal(carried(MARK + 1), '');
    close(four.link);
    assert.equal(carried(), '');
    assert.notEqual(carried(MARK, 6), '');
    close(six.link);
    assert.equal(carried(MARK, 6), '');
  });

  it('is asked for again when a signal comes while the kernel verifies the program', LIMIT, async () => {
    const sender = new URL('../../src/passthrough/toa/sender.ts', import.meta.url).href;
    const libc = new URL('../../src/sys/libc.ts', import.meta.url).href;
    const disturber = `const nap = new Int32Array(new SharedArrayBuffer(4));
      for (;;) { Atomics.wait(nap, 0, 0, 1); process.kill(process.pid, 'SIGUSR2'); }`;
    const script = `import { Worker } from 'node:worker_threads';
      import { startSending } from '${sender}';
      import { close } from '${libc}';
      let signals = 0;
      process.on('SIGUSR2', () => signals++);
      new Worker(${JSON.stringify(disturber)}, { eval: true });
      while (signals === 0) await new Promise(setImmediate);
      const missing = [];
      for (let time = 0; time < 300; time++) {
        const sending = await startSending(${JSON.stringify(SENT)});
        if ('link' in sending) close(sending.link);
        else missing.push(sending.missing);
      }
      console.log(JSON.stringify({ signals, missing }));
      process.exit();`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { signals, missing } = JSON.parse(await text(child.stdout)) as { signals: number; missing: string[] };
    assert.ok(signals > 10, `${signals} signals`);
    assert.deepEqual(missing, []);
  });

  it('is gone with the process that asked for it, also when it is killed', LIMIT, async () => {
    const sender = new URL('../../src/passthrough/toa/sender.ts', import.meta.url).href;
    const script = `import { startSending } from '${sender}';
      console.log(JSON.stringify(await startSending(${JSON.stringify(SENT)}))); setInterval(() => 0, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    assert.match(line.toString(), /"link":/);
    assert.equal(carried(), 'fe089c8dc000024d', 'it is of the same cgroup');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until('it is gone', 2000, () => carried() === '');
  });

  it('a thread that has asked for it closes nothing of others at its end', LIMIT, async () => {
    const [sender, libc] = ['passthrough/toa/sender.ts', 'sys/libc.ts'].map(
      (path) => new URL(`../../src/${path}`, import.meta.url),
    );
    const script = `import { parentPort } from 'node:worker_threads';
      import { startSending } from '${sender!.href}';
      import { close } from '${libc!.href}';
      const { link } = await startSending(${JSON.stringify(SENT)});
      parentPort.once('message', () => close(link));
      parentPort.postMessage(link);`;
    const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
    const [link] = (await once(thread, 'message')) as [number | undefined];
    assert.notEqual(link, undefined);
    // They get the numbers that are free by now.
    const opened = Array.from({ length: 50 }, () => openSync('/dev/null', 'r'));
    thread.postMessage('end');
    await once(thread, 'exit');
    for (const fd of opened) closeSync(fd);
  });

  it('is gone with the thread of a collector, also when that is cut', LIMIT, async () => {
    let asked = 0;
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      after(() => socket.destroy()); // its other end stays open in this process, with the thread cut
      asked++;
      // Answers what is asked for the listener, and not the echo.
      if (asked === 1) socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\n'));
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const cut = new AbortController();
    const ended = verifyInThread([job((silent.address() as AddressInfo).port)], 20_000, cut.signal);
    await until('it sends', 10_000, () => asked > 1 && carried() !== '');
    cut.abort();
    assert.deepEqual(await ended, []);
    assert.equal(carried(), '');
    silent.close();
  });
});

it('a collector whose time is up begins nothing more, and lets end what is under way', LIMIT, async () => {
  const silent = createServer((socket) => {
    socket.on('error', () => undefined); // probes end by RST
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const jobs = Array.from({ length: 10 }, (_, k) => job(port, `rs${k}`));
  const done = await verifyInThread(jobs, 1, new AbortController().signal);
  assert.deepEqual(
    done.map(({ found }) => found.at(-1)!.cause),
    Array.from({ length: 8 }, () => 'unreachable'),
  );
  silent.close();
});

describe('fourlane passthrough, P5', () => {
  const config = (option: object) => {
    const [takes, other, six] = servers;
    const one = (name: string, vip: number, realServer: string) => ({
      name,
      vip: `10.0.0.${vip}:80/tcp`,
      realServers: [realServer],
      check: 'http',
      passthrough: { mode: 'toa', echo: '/whoami', option },
    });
    return writeConfig(dir, {
      stateDir: dir,
      nics: [{ name: 'lo' }],
      services: [
        one('takes', 1, `127.0.0.1:${takes!.port}`),
        one('other', 2, `127.0.0.1:${other!.port}`),
        one('v6', 3, `[::1]:${six!.port}`),
      ],
      checks: { http: { type: 'http' } },
    });
  };

  it('tells a real server that takes the option from one that does not', LIMIT, async () => {
    servers.push(serveToa('127.0.0.1', 254), serveToa('127.0.0.1', 200), serveToa('::1', 254));
    const said: string[] = [];
    const io = { out: (text: string) => void said.push(text), err: () => undefined };
    assert.equal(await passthroughCommand(['--config', config({})], io), 1);
    console.log(said.join(''));
    const rows = said.join('').trim().split('\n');
    const p5 = rows.filter((line) => line.includes('P5')).map((line) => line.split(/ {2,}/));
    assert.deepEqual(
      p5.map(([service, , , result]) => [service, result]),
      [
        ['takes', 'ok'],
        ['other', 'MISMATCH'],
        ['v6', 'ok'],
      ],
    );
    assert.match(p5[1]![4]!, /takes this load balancer for the client of a connection with option 254: the address is lost/);
    assert.equal(carried(), '', 'nothing stays');
  });

  it('without the rights it names them, and says nothing against real servers', LIMIT, async () => {
    const argv = ['--bounding-set', '-bpf,-sys_admin', process.execPath, PROGRAM, 'passthrough', '--config', config({})];
    const child = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    assert.equal(child.exitCode, 1);
    const rows = said
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    const p5 = rows.filter(([, , level]) => level === 'P5');
    assert.deepEqual(
      p5.map(([, , , result]) => result),
      ['not seen', 'not seen', 'not seen'],
    );
    assert.match(p5[0]![4]!, /the option could not be sent: needs CAP_BPF and CAP_NET_ADMIN/);
    assert.ok(!said.includes('MISMATCH'), said);
  });
});
