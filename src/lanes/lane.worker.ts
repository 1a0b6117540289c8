/** Entry of a lane's worker thread: one NIC, one engine, one tick. */
import { parentPort, workerData } from 'node:worker_threads';
import { openBoard } from '../model/board.ts';
import type { FromLane, LaneInit, ToLane } from '../model/messages.ts';
import { makeBinding } from '../sys/binding.ts';
import { monotonicMs, threadCpuMs } from '../sys/clock.ts';
import { saveCompiled } from '../sys/compiled.mjs';
import { SOCKADDR_SIZE, unpackSockaddr } from '../sys/sockaddr.ts';
import { Engine } from './engine.ts';
import { helperThread } from './helper-port.ts';
import { RouteGuard } from './route-guard.ts';

const init = workerData as LaneInit;
const port = parentPort!;
const report = (message: FromLane) => port.postMessage(message);

const { binding, reason } = makeBinding(init.device, init.source, init.withoutDeviceBinding ?? false);
const engine = new Engine({
  nic: init.nic,
  device: init.device,
  binding,
  board: openBoard(init.board, init.kinds, init.ringCapacity),
  clock: monotonicMs,
  cpu: threadCpuMs,
  random: Math.random,
  helper: helperThread({
    nic: init.nic,
    device: init.device,
    ...(init.source === undefined ? {} : { source: init.source }),
    ...(init.withoutDeviceBinding === undefined ? {} : { withoutDeviceBinding: init.withoutDeviceBinding }),
  }),
  report,
});
report({ type: 'binding', bound: binding.device !== undefined, reason });

// Without a device-bound socket the route decides which NIC a probe uses: only verified cells are probed.
const guard =
  binding.device === undefined
    ? new RouteGuard(init.device, init.source, (cell, ok) => engine.setUnverified(cell, !ok))
    : undefined;

const present = new Set<number>();
/** For the route guard: address by cell. */
const addresses = new Map<number, string>();

port.on('message', (message: ToLane) => {
  switch (message.type) {
    case 'cells':
      engine.update(message.add, message.remove, message.quarantine);
      message.add.cell.forEach((cell) => present.add(cell));
      message.remove.forEach((cell) => present.delete(cell));
      if (guard) {
        message.add.cell.forEach((cell, i) => {
          addresses.set(cell, unpackSockaddr(message.add.sockaddrs.subarray(i * SOCKADDR_SIZE)).ip);
          engine.setUnverified(cell, true);
        });
        message.remove.forEach((cell) => addresses.delete(cell));
        guard.verify(new Map(addresses));
      }
      report({ type: 'running', cells: present.size });
      return;
    case 'stop':
      clearTimeout(timer);
      guard?.stop();
      engine.close();
      report({ type: 'stopped' });
      port.close();
      return;
    case 'crash':
      setImmediate(() => fail('crashed on request (POST /-/chaos)'));
  }
});

function fail(text: string): never {
  throw new Error(text);
}

saveCompiled();
let timer: NodeJS.Timeout;
function turn(): void {
  timer = setTimeout(turn, engine.tick());
}
timer = setTimeout(turn, 1);
