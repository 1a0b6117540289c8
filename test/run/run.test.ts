/** What the runner decides: which files are meant, and which of them runs beside which. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { COSTS } from './costs.ts';
import { allFiles, KINDS, select } from './files.ts';
import { PACKAGES } from './packages.ts';
import { Pace } from './pace.ts';
import { next, runPool } from './pool.ts';

const FILES = {
  unit: ['test/judge/governor.test.ts', 'test/doctor/run.test.ts'],
  system: ['test/system/doctor.test.ts', 'test/system/lab.test.ts'],
};

describe('names on the command line', () => {
  it('choose by a part of the path, of every kind or of one', () => {
    assert.deepEqual(select(FILES, KINDS, ['doctor']), {
      unit: ['test/doctor/run.test.ts'],
      system: ['test/system/doctor.test.ts'],
    });
    assert.deepEqual(select(FILES, ['unit'], ['doctor']), { unit: ['test/doctor/run.test.ts'], system: [] });
    assert.deepEqual(select(FILES, KINDS, ['governor', 'system/lab']), {
      unit: ['test/judge/governor.test.ts'],
      system: ['test/system/lab.test.ts'],
    });
    assert.deepEqual(select(FILES, KINDS, []), FILES);
  });

  it('that fit nothing are an error that names them', () => {
    assert.throws(() => select(FILES, KINDS, ['doctor', 'docter', 'labb']), /no test file has "docter" or "labb" in its path/);
    assert.throws(() => select(FILES, ['unit'], ['system/lab']), /no test file has "system\/lab"/);
  });
});

describe('side by side', () => {
  const job = (seconds: number, cpus: number) => ({ seconds, cpus });
  const machine = (cpus: number, slowness = 1) => ({ cpus, slowness });

  it('the longest that fits is next; one that is too large waits until nothing runs', () => {
    const [long, short, large] = [job(60, 0.7), job(5, 0.3), job(90, 3)];
    assert.equal(next([short, long], [], machine(2)), long);
    assert.equal(next([short, large], [long], machine(2)), short);
    assert.equal(next([large, short], [], machine(2)), large);
    assert.equal(next([short], [large], machine(2)), undefined);
    assert.equal(next([], [], machine(2)), undefined);
  });

  it('half of the CPUs is kept for those that compute, while there are any', () => {
    const [computing, long, short] = [job(10, 1), job(60, 0.7), job(5, 0.6)];
    assert.equal(next([computing, short], [long], machine(2)), computing);
    assert.equal(next([computing, short], [long, computing], machine(2)), undefined);
    assert.equal(next([short], [long], machine(2)), short);
    assert.equal(next([computing], [computing, short], machine(2)), undefined);
    assert.equal(next([computing], [computing], machine(2)), computing);
  });

  it('on a slow machine those that wait take more of a CPU, those that compute all of it; on a quick one all take less', () => {
    const [computing, waits] = [job(60, 1), job(30, 0.4)];
    assert.equal(next([waits], [computing, waits, job(9, 0.3)], machine(2)), undefined);
    assert.equal(next([waits], [computing, waits, job(9, 0.3)], machine(2, 0.9)), waits);
    assert.equal(next([waits], [computing, waits], machine(2)), waits);
    assert.equal(next([waits], [computing, waits], machine(2, 1.3)), undefined);
    assert.equal(next([computing], [computing], machine(2, 3)), computing);
    assert.equal(next([waits], [waits, waits], machine(2, 1.6)), waits);
  });

  it('how slow it is, is told by the jobs that have ended', () => {
    const pace = new Pace();
    assert.equal(pace.slowness, 1);
    pace.ended({ ...job(Infinity, 1), cpuSeconds: 20 }, { seconds: 90, cpuSeconds: 30 });
    assert.deepEqual([pace.ratio, pace.slowness, pace.patience], [1.5, 1, 1], 'one job a little slower says nothing yet');
    pace.ended({ ...job(Infinity, 1), cpuSeconds: 20 }, { seconds: 90, cpuSeconds: 80 });
    assert.deepEqual([pace.slowness, pace.patience], [2, 1]);
    pace.ended(job(100, 0.9), { seconds: 150, cpuSeconds: 20 });
    assert.deepEqual([pace.ratio, pace.slowness, pace.patience], [1, 1, 1.5]);
    pace.ended(job(100, 1), { seconds: 250 });
    assert.deepEqual([pace.ratio, pace.patience], [1, 2]);
    pace.ended(job(10, 1), { seconds: 1000, cpuSeconds: 1000 });
    assert.deepEqual([pace.slowness, pace.patience], [4, 4]);
    assert.equal(new Pace(2.5).patience, 2.5);
    const quick = new Pace();
    quick.ended(job(90, 1), { seconds: 80, cpuSeconds: 84 });
    assert.deepEqual([quick.slowness, quick.patience], [0.95, 1]);
    quick.ended(job(90, 1), { seconds: 40, cpuSeconds: 30 });
    assert.deepEqual([quick.slowness, quick.patience], [0.92, 1]);
  });

  it('every job runs once and never more than fit', async () => {
    const jobs = Array.from({ length: 20 }, (_, i) => job(i % 7, [0.1, 0.5, 0.9, 2][i % 4]!));
    const ran: object[] = [];
    let now = 0;
    await runPool(jobs, machine(1.5), async (j) => {
      now += j.cpus;
      assert.ok(now <= 1.5 + 1e-9 || now === 2, String(now));
      ran.push(j);
      await new Promise((resolve) => setImmediate(resolve));
      now -= j.cpus;
    });
    assert.deepEqual(new Set(ran), new Set(jobs));
    assert.equal(ran.length, 20);
    await assert.rejects(
      runPool(jobs, machine(1.5), () => Promise.reject(new Error('broken'))),
      /broken/,
    );
  });
});

describe('tables of the runner', () => {
  it('costs are those of files that are there', () => {
    assert.deepEqual(
      Object.keys(COSTS).filter((name) => !existsSync(`test/${name}.test.ts`)),
      [],
    );
    assert.ok(allFiles().system.length > 25);
  });

  it('every package that a system test asks for is installed before the first', () => {
    const files = [...globSync('test/system/*.ts'), 'src/lab/lab.ts', 'src/lab/monitoring.ts'];
    const lists = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\bensure\(\[([^\]]*)\]\)/g)]);
    const asked = lists.flatMap(([, list]) => [...list!.matchAll(/'([^']+)'/g)].map(([, name]) => name!));
    assert.ok(asked.length > 30);
    assert.deepEqual(
      asked.filter((name) => !PACKAGES.includes(name)),
      [],
    );
  });
});
