/** Hostile servers behind a handshake. */
import { drip, type Family, pour } from './family.ts';

export const tcp: Family = {
  tame: (socket) => void socket.end('220 ready\r\n'),
  hostile: {
    'banner without end': (socket) => pour(socket, () => Buffer.alloc(1 << 20, 'a')),
    'banner drips': (socket) => drip(socket, 5, () => 'a'),
    'never reads': (socket) => void socket.pause(),
    RST: (socket) => void socket.resetAndDestroy(),
    'half closed': (socket) => void socket.end(),
    silent: () => undefined,
  },
};
