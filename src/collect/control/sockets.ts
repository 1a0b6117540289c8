/**
 * UDP sockets that take control traffic, BFD's above all: what they drop came as far as the program, which was too slow.
 * BGP's TCP
 * sockets drop nothing, they resend.
 */
import { readProc } from '../../sys/procfs.ts';
import { CONTROL_PATH_DROPPED } from '../control-metrics.ts';
import { parseUdpSockets, type UdpSocket } from '../udp-sockets.ts';
import { part } from './part.ts';

export const sockets = part<readonly UdpSocket[]>({
  name: 'sockets',
  async read({ ports, roots }, signal) {
    const texts = [await readProc(`${roots.proc}/net/udp`, signal), await readProc(`${roots.proc}/net/udp6`, signal)];
    if (texts[0] === undefined) return { state: 'failed', reason: `there is no ${roots.proc}/net/udp: mount proc` };
    const found = texts.flatMap((text) => parseUdpSockets(text ?? '')).filter(({ port }) => ports.includes(port));
    if (found.length > 0) return { state: 'data', data: found };
    return { state: 'absent', reason: `no program has a UDP socket of port ${ports.join(', ')}: no BFD here` };
  },
  publish(list, samples) {
    // A port may have several sockets, each with a count of its own.
    const byPort = Map.groupBy(list, ({ port }) => port);
    for (const [port, rows] of byPort) {
      const epoch = rows
        .map(({ inode }) => inode)
        .toSorted()
        .join(' ');
      const dropped = rows.reduce((sum, row) => sum + row.dropped, 0);
      samples.counter(CONTROL_PATH_DROPPED, ['kernel', 'socket', String(port)], dropped, epoch);
    }
  },
});
