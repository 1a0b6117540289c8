import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSyncSockets } from '../../src/collect/ipvs/sync.ts';
import { recording } from './ipvs.recorded.ts';

const recorded = (name: string) => recording(`proc_net_udp.${name}.txt`).toString('latin1');

describe('sockets of connection synchronisation', () => {
  it('of a master: one for each of its ports', () => {
    const sockets = parseSyncSockets(recorded('master'));
    assert.deepEqual(
      sockets.map(({ role, port, dropped }) => [role, port, dropped]),
      [8849, 8848, 8850, 8851].map((port) => ['master', port, 0]),
    );
  });

  it('of a backup that was flooded: what it dropped', () => {
    assert.deepEqual(parseSyncSockets(recorded('backup-flooded')), [
      { role: 'backup', port: 8848, queued: 0, dropped: 429, inode: '12183' },
    ]);
  });

  it('queues are those of the direction; other sockets, and lines cut short, are passed over', () => {
    const row = (local: string, remote: string, queues: string) =>
      `  1: ${local} ${remote} 07 ${queues} 00:00000000 00000000 0 0 7 2 0000000000000000 5`;
    const text = [
      row('510000E0:2290', '00000000:0000', '00000001:0000000A'),
      row('0100090A:EA43', '510000E0:2290', '0000000B:00000001'),
      row('0100007F:0035', '00000000:0000', '00000000:00000000'),
      row('510000E0:0035', '00000000:0000', '00000000:00000000'),
      row('510000E0:2290', '00000000:0000', '00000001:0000000A').slice(0, -3),
      '',
    ].join('\n');
    assert.deepEqual(
      parseSyncSockets(text).map(({ role, queued }) => [role, queued]),
      [
        ['backup', 10],
        ['master', 11],
      ],
    );
  });
});
