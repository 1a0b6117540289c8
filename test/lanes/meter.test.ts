import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cells } from '../../src/lanes/cells.ts';
import { Meter } from '../../src/lanes/meter.ts';
import { newBoard, WORKING } from '../../src/model/board.ts';

/** A meter whose clocks the test moves: `run` is time on a CPU, `wait` is not. */
function stage() {
  const board = newBoard(1, 16);
  const cells = new Cells(8);
  let [now, cpu] = [0, 0];
  const meter = new Meter({ board, cells, clock: () => now, cpu: () => cpu });
  const run = (ms: number) => {
    now += ms;
    cpu += ms;
  };
  const wait = (ms: number) => void (now += ms);
  const piece = (cell: number, what: () => void) => {
    meter.enter(cell);
    what();
    meter.leave(cell);
  };
  return { board, cells, meter, run, wait, piece, turn: () => meter.turn(now) };
}

describe('the meter of a lane', () => {
  it('shows whose code runs', () => {
    const { board, piece } = stage();
    piece(5, () => assert.equal(board.header[WORKING], 6));
    assert.equal(board.header[WORKING], 0);
  });

  it('charges each piece to its cell', () => {
    const { cells, piece, run, turn } = stage();
    turn();
    piece(1, () => run(2));
    piece(2, () => run(70));
    piece(1, () => run(1));
    assert.deepEqual(Array.from(cells.spent.subarray(0, 3)), [0, 3, 70]);
  });

  it('does not charge a cell for what the kernel gave to others, nor for what the lane did before', () => {
    const { cells, piece, run, wait, turn } = stage();
    turn();
    run(40);
    piece(1, () => wait(300));
    assert.equal(cells.spent[1], 0);
    turn();
    piece(2, () => {
      run(60);
      wait(100);
    });
    assert.equal(cells.spent[2], 60);
  });

  it('knows the longest piece of a turn', () => {
    const { meter, piece, run, turn } = stage();
    turn();
    piece(1, () => run(7));
    piece(2, () => run(3));
    assert.equal(meter.longest, 7);
    turn();
    assert.equal(meter.longest, 0);
  });
});
