/** Every checker of keepalived and each of its options beside our check of the same: both are run, on the same servers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { baseWeight } from '../../../src/model/combined.ts';
import { run } from '../../../src/lab/netns.ts';
import { probe, type Seen } from '../../checks/harness.ts';
import { until } from '../../system/harness.ts';
import { makeRows, type Row, WEIGHT } from './checkers.ts';
import { ipvsadm } from './net.ts';

const CONF = '/etc/keepalived/checkers.conf';
const LIMIT_MS = 240_000;
/** The table of IPVS has said the same for this long. */
const SETTLED_MS = 15_000;

const vip = (k: number) => `198.51.100.${k + 1}`;

function configOf(rows: readonly Row[], definitions: string): string {
  const services = rows.map(({ checker, port, udp, ip = '127.0.0.1' }, k) => {
    const head = `delay_loop 1\n lvs_sched rr\n lvs_method NAT\n protocol ${udp ? 'UDP' : 'TCP'}\n alpha`;
    return `virtual_server ${vip(k)} 80 {\n ${head}\n real_server ${ip} ${port} {\n weight ${WEIGHT}\n ${checker}\n }\n}`;
  });
  return `global_defs {\n enable_script_security\n script_user root\n}\n${definitions}\n${services.join('\n')}\n`;
}

/** Weight of each row's real server, as IPVS has it; undefined: it is out. */
function weights(rows: readonly Row[]): (number | undefined)[] {
  const saved = ipvsadm('-S -n');
  return rows.map((_, k) => {
    const match = new RegExp(`^-a -[tu] ${vip(k).replaceAll('.', '\\.')}:80 .* -w (\\d+)`, 'm').exec(saved);
    return match === null ? undefined : Number(match[1]);
  });
}

/** The weight that our result means. */
function ownWeight({ outcome, cause, detail }: Seen): number | undefined {
  if (!outcome.startsWith('ok')) return undefined;
  const by = cause === 'weight' ? 1 : cause === 'weight_change' ? 2 : 0;
  return baseWeight({ target: 0, weight: WEIGHT }, { by: Uint8Array.of(by), value: Int32Array.of(detail) });
}

function ours({ kind, parameters, port, ip = '127.0.0.1' }: Row): Promise<Seen> {
  return probe(kind, parameters, port, { timeout: kind === 'exec' ? 2000 : 3000, ip });
}

const say = (weight: number | undefined) => (weight === undefined ? 'down' : `up, weight ${weight}`);

it('each checker and option: keepalived and fourlane say the same', { timeout: LIMIT_MS }, async () => {
  run(['modprobe', 'ip_vs']);
  ipvsadm('-C');
  const { rows, definitions } = await makeRows();
  writeFileSync(CONF, configOf(rows, definitions));
  const keepalived = spawn('keepalived', ['-n', '-l', '-D', '-C', '--no-syslog', '-f', CONF], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [keepalived.stdout, keepalived.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  try {
    let last = '';
    let since = performance.now();
    await until('what keepalived makes of them has settled', LIMIT_MS / 2, async () => {
      await sleep(500);
      const now = JSON.stringify(weights(rows));
      if (now !== last) [last, since] = [now, performance.now()];
      return performance.now() - since > SETTLED_MS;
    });
    const theirs = weights(rows);
    const lines: string[] = [];
    const wrong: string[] = [];
    for (const [k, row] of rows.entries()) {
      const seen = await ours(row);
      const [their, own] = [say(theirs[k]), say(ownWeight(seen))];
      const expected = say(row.good ? (row.weight ?? WEIGHT) : undefined);
      lines.push(`${row.name.padEnd(36)} ${their.padEnd(15)} ${own.padEnd(15)} ${seen.outcome} ${seen.cause} ${seen.detail}`);
      const asExpected = row.differs === undefined ? their === own : their !== own;
      if (row.differs !== undefined) lines.push(`  ${row.differs}`);
      if (!asExpected || own !== expected) wrong.push(`${row.name}: keepalived ${their}, fourlane ${own}, expected ${expected}`);
    }
    console.log(`${'checker and option'.padEnd(36)} ${'keepalived'.padEnd(15)} fourlane\n${lines.join('\n')}`);
    assert.deepEqual(wrong, [], log.split('\n').slice(-40).join('\n'));
  } finally {
    keepalived.kill();
    await new Promise((resolve) => keepalived.once('exit', resolve));
    ipvsadm('-C');
    rmSync(CONF);
  }
});
