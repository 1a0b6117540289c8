import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { blackholeRoutes } from '../../src/sys/blackholes.ts';

const folder = mkdtempSync(join(tmpdir(), 'fourlane-routes-'));
after(() => rmSync(folder, { recursive: true }));

test('routes that discard are found, others are not', async () => {
  // As Linux 6.1 writes them.
  const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
  const four = [
    head,
    'eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    '*\t3000000A\t00000000\t0200\t0\t0\t0\tF0FFFFFF\t0\t0\t0',
    '*\t0000000A\t00000000\t0200\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  ];
  const none = '00000000000000000000000000000000';
  const six = [
    `fd640000000000000000000000000010 7c ${none} 00 ${none} 00000400 00000001 00000000 00200200       lo`,
    `fd000001000100000000000000000000 40 ${none} 00 ${none} 00000100 00000001 00000000 00000001     eth0`,
    `${none} 00 ${none} 00 ${none} ffffffff 00000001 00000000 00200200       lo`,
  ];
  writeFileSync(join(folder, 'route'), `${four.join('\n')}\n`);
  writeFileSync(join(folder, 'ipv6_route'), `${six.join('\n')}\n`);
  assert.deepEqual(await blackholeRoutes(folder), ['10.0.0.48/28', '10.0.0.0/24', 'fd64:0000:0000:0000:0000:0000:0000:0010/124']);
  assert.deepEqual(await blackholeRoutes(join(folder, 'none')), [], 'without /proc there are none');
});
