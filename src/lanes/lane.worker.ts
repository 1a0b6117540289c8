/** Entry of a lane's worker thread: one NIC, one engine, one tick. */
import { parentPort, workerData } from 'node:worker_threads';
import { openBoard } from '../model/board.ts';
import type { CellSpec, FromLane, LaneInit, ToLane } from '../model/messages.ts';
import { makeBinding } from '../sys/binding.ts';
import { monotonicMs } from '../sys/clock.ts';
import { Engine } from './engine.ts';
import { RouteGuard } from './route-guard.ts';

const init = workerData as LaneInit;
const port = parentPort!;
const tell = (message: FromLane) => port.postMessage(message);

const { binding, reason } = makeBinding(init.device, init.source, init.withoutDeviceBinding ?? false);
const engine = new Engine({
  nic: init.nic,
  device: init.device,
  binding,
  board: openBoard(init.board, init.kinds, init.ringCapacity),
  clock: monotonicMs,
  random: Math.random,
  certificate: (cell, generation, notAfterMs) => tell({ type: 'certificate', cell, generation, notAfterMs }),
});
tell({ type: 'binding', bound: binding.device !== undefined, reason });

// Without a device-bound socket the route decides which NIC a probe uses: only verified cells are probed.
const guard =
  binding.device === undefined
    ? new RouteGuard(init.device, init.source, (cell, ok) => engine.setUnverified(cell, !ok))
    : undefined;

let cells = 0;
const present = new Map<number, CellSpec>();

port.on('message', (message: ToLane) => {
  switch (message.type) {
    case 'cells':
      engine.update(message.profiles, message.add, message.remove);
      cells += message.add.length - message.remove.length;
      if (guard) {
        for (const spec of message.add) {
          present.set(spec.cell, spec);
          engine.setUnverified(spec.cell, true);
        }
        for (const cell of message.remove) present.delete(cell);
        guard.verify([...present.values()]);
      }
      tell({ type: 'running', cells });
      return;
    case 'stop':
      clearTimeout(timer);
      guard?.stop();
      engine.close();
      tell({ type: 'stopped' });
      port.close();
      return;
    case 'chaos':
      if (message.how === 'exit') process.exit(3);
      if (message.how === 'throw') setImmediate(() => fail('chaos: this lane was told to throw'));
      else for (;;);
  }
});

function fail(text: string): never {
  throw new Error(text);
}

let timer: NodeJS.Timeout;
function turn(): void {
  timer = setTimeout(turn, engine.tick());
}
timer = setTimeout(turn, 1);
