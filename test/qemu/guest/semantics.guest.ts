/**
 * `semantics: keepalived`: real keepalived and fourlane watch the same real servers, each of which goes up and down by a script.
 * Both must say the same, with times that differ by a tick at most: that is how far apart their looks may be.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../src/lab/netns.ts';
import { AgentProcess, until, writeConfig } from '../../system/harness.ts';
import { tcpServer } from '../../checks/harness.ts';
import { ipvsadm } from './net.ts';
import { addressOf, DELAY_LOOP, makeBackend, PATTERNS } from './patterns.ts';
import { type Change, changesOf, configuration, FIFO } from './semantics-common.ts';

const CONF = '/etc/keepalived/semantics.conf';
const LIMIT_MS = 120_000;
/** So long both are watched. */
const SECONDS = 42;
/** s, to which times are known: fourlane judges each 0.1 s, and what either of them does takes a moment until it is written. */
const RESOLUTION = 0.2;

/** What keepalived says of each address, with the time at which it came. */
function followFifo(): { readonly said: Map<string, Change[]>; readonly end: () => void } {
  run(['busybox', 'mkfifo', FIFO]);
  const held = openSync(FIFO, constants.O_RDWR | constants.O_NONBLOCK);
  const reader = spawn('cat', [FIFO], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = new Map<string, Change[]>();
  createInterface({ input: reader.stdout }).on('line', (line) => {
    const [, ip, to] = /^RS \[([\d.]+)\]\S* .* (UP|DOWN)$/.exec(line) ?? [];
    if (ip !== undefined) said.set(ip, [...(said.get(ip) ?? []), { at: Date.now() / 1000, to: to as Change['to'] }]);
  });
  return {
    said,
    end() {
      reader.kill();
      closeSync(held);
    },
  };
}

const since = (begun: number, changes: readonly Change[] = []) =>
  changes.filter(({ at }) => at > begun).map(({ at, to }) => ({ at: at - begun, to }));
const words = (changes: readonly Change[]) => changes.map(({ to }) => to).join(' ');

it('patterns of up and down: keepalived and fourlane say the same, within a tick', { timeout: 4 * LIMIT_MS }, async () => {
  run(['modprobe', 'ip_vs']);
  ipvsadm('-C');
  const backends = await Promise.all(PATTERNS.map(makeBackend));
  writeFileSync(CONF, configuration(await tcpServer(undefined, '0.0.0.0')));
  const dir = mkdtempSync('/tmp/semantics-');
  const config = writeConfig(dir, {
    listen: '127.0.0.1:9845',
    stateDir: dir,
    nics: [2, 3].map((n) => ({ name: `lo${n}`, device: 'lo', source: `127.0.0.${n}` })),
    services: [],
    import: { keepalived: { file: CONF, semantics: 'keepalived', panic: 0 } },
    collectors: { ipvs: false, keepalived: false },
  });
  const started = performance.now();
  const say = (what: string) => console.log(`${what} after ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const fifo = followFifo();
  const agent = AgentProcess.spawn(config);
  let keepalived: ChildProcess | undefined;
  let log = '';
  try {
    await until('the agent is ready', 2 * LIMIT_MS, () => agent.logged(/^ready/) !== undefined || agent.ended !== undefined);
    await agent.ready();
    say('the agent is ready');
    keepalived = spawn('keepalived', ['-n', '-l', '-D', '-C', '--no-syslog', '-f', CONF], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [keepalived.stdout!, keepalived.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (log += text));
    const dead = PATTERNS.flatMap(({ first }, k) => (first === undefined ? [] : addressOf(k))).sort();
    const downs = (said: Map<string, Change[]>) =>
      [...said]
        .filter(([, all]) => all.at(-1)!.to === 'DOWN')
        .map(([ip]) => ip)
        .sort();
    await until('both know which are dead', LIMIT_MS, async () => {
      await sleep(1000);
      const [their, own] = [downs(fifo.said), downs(await changesOf(agent))];
      if (String(their) === String(dead) && String(own) === String(dead)) return true;
      throw new Error(`keepalived: ${their.join()}, fourlane: ${own.join()}`);
    });
    say('both know which are dead');
    await sleep(2000 * DELAY_LOOP);

    const begun = Date.now() / 1000;
    const acts = PATTERNS.flatMap((pattern, k) => pattern.acts.map(([second, mode]) => ({ second, mode, become: backends[k]! })));
    for (const { second, mode, become } of acts.toSorted((a, b) => a.second - b.second)) {
      await sleep(Math.max(0, (begun + second) * 1000 - Date.now()));
      await become(mode);
    }
    await sleep(Math.max(0, (begun + SECONDS) * 1000 - Date.now()));

    say('the scripts are over');
    const ours = await changesOf(agent);
    const wrong: string[] = [];
    const lines = PATTERNS.map((pattern, k) => {
      const [their, own] = [since(begun, fifo.said.get(addressOf(k))), since(begun, ours.get(addressOf(k)))];
      const apart = their.map(({ at }, n) => Math.abs((own[n]?.at ?? Number.NaN) - at));
      if (words(their) !== pattern.expected) wrong.push(`${pattern.name}: keepalived says "${words(their)}"`);
      if (words(own) !== pattern.expected) wrong.push(`${pattern.name}: fourlane says "${words(own)}"`);
      const ticks = their.map(({ to }) => pattern.tick?.[to] ?? DELAY_LOOP);
      if (apart.some((seconds, n) => !(seconds <= ticks[n]! + RESOLUTION)))
        wrong.push(`${pattern.name}: ${apart.join()} s apart`);
      const shown = (changes: readonly Change[]) => changes.map(({ at, to }) => `${to} ${at.toFixed(1)}`).join(', ');
      return [pattern.name, shown(their), shown(own), apart.map((seconds) => seconds.toFixed(1)).join(', '), ticks.join(', ')];
    });
    const width = (column: number) => Math.max(...lines.map((line) => line[column]!.length), 10);
    const table = [['pattern', 'keepalived', 'fourlane', 's apart', 'tick, s'], ...lines];
    console.log(table.map((line) => line.map((cell, column) => cell.padEnd(width(column))).join(' | ')).join('\n'));
    assert.deepEqual(wrong, [], log.split('\n').slice(-60).join('\n'));
  } finally {
    await agent.end();
    keepalived?.kill();
    fifo.end();
    ipvsadm('-C');
  }
});
