/** The collector passthrough: which real servers a reading verifies, what it keeps, and what it exports. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Output } from '../../src/collect/output.ts';
import { PassthroughSource } from '../../src/collect/passthrough.ts';
import { passthroughFindings, publishPassthrough, type PassthroughData } from '../../src/collect/passthrough/publish.ts';
import { decisive } from '../../src/collect/passthrough/standing.ts';
import type { Passthrough, Plan } from '../../src/model/plan.ts';
import type { Verified } from '../../src/passthrough/findings.ts';
import { type Done, type Job, jobsOf } from '../../src/passthrough/verify.ts';
import { makePlan } from '../report/fake-view.ts';

const GOOD: readonly Verified[] = [
  { level: 'P0', found: 'sends' },
  { level: 'P1', found: 'takes' },
];
const LOST: readonly Verified[] = [...GOOD, { level: 'P2', cause: 'load_balancer', found: 'takes this load balancer' }];
const SILENT: readonly Verified[] = [{ level: 'P1', cause: 'unreachable', found: 'does not answer' }];

function declared(targets: number, passthrough: Partial<Passthrough> = {}): Plan {
  const plan = makePlan(1, targets, 1);
  const key: Passthrough = { mode: 'proxy-v2', echo: '/whoami', through: ['direct'], ...passthrough };
  const { passthrough: _, ...web } = plan.services[0]!;
  return { ...plan, services: [{ ...web, passthrough: key }, ...plan.services.slice(1)] };
}

/** A source whose real servers answer as the test says; the reading after the last answer is of no time left. */
function source(plan: Plan, answer: (job: Job) => readonly Verified[] | undefined, perReading = 500) {
  let now = 1_000_000;
  const logged: string[] = [];
  const log = (_: string, message: string) => void logged.push(message);
  const state = { plan, answer, logged, asked: [] as string[], pass: (ms: number) => (now += ms) };
  const settings = { perReading, interval: 300_000, timeout: 60_000, staleAfter: 900_000 };
  const verify = async (jobs: readonly Job[], limitMs: number): Promise<readonly Done[]> => {
    assert.equal(limitMs, 48_000);
    state.asked = jobs.map(({ realServer, way }) => realServer || way);
    return jobs.flatMap((job) => {
      const found = state.answer(job);
      return found === undefined ? [] : [{ job, found }];
    });
  };
  const made = new PassthroughSource(settings, { plan: () => state.plan, log }, { verify, wall: () => now });
  const read = async () => {
    const reading = await made.read(new AbortController().signal);
    assert.equal(reading.state, 'data');
    return (reading as { data: PassthroughData }).data;
  };
  return { state, made, read };
}

function series(output: Output): string[] {
  return output
    .families()
    .flatMap(({ name, rows, values }) =>
      rows.map((row, k) => `${name.replace('fourlane_passthrough_', '')} ${row.join(' ')} ${Number(values[k])}`),
    );
}

describe('collector passthrough', () => {
  it('is absent while no service declares it', async () => {
    const { made } = source(makePlan(1, 2, 1), () => GOOD);
    const reading = await made.read(new AbortController().signal);
    assert.deepEqual(reading, { state: 'absent', reason: 'no service has the key passthrough' });
  });

  it('verifies in turns, and goes on where the time was up', async () => {
    const { state, read } = source(declared(5), () => GOOD, 2);
    const rounds: string[] = [];
    for (let k = 0; k < 3; k++) {
      await read();
      rounds.push(state.asked.map((name) => name.slice(-7, -5)).join());
    }
    assert.deepEqual(rounds, ['11,12', '13,14', '15,11']);
    state.answer = (job) => (job.realServer.includes('.12:') ? GOOD : undefined);
    await read();
    state.answer = () => GOOD;
    await read();
    assert.deepEqual(
      state.asked.map((name) => name.slice(-7, -5)),
      ['13', '14'],
      'the one without an answer was not reached',
    );
  });

  it('exports what is so, what is lost, what was not seen; a finding goes when it is mended', async () => {
    const plan = declared(3);
    const of = (job: Job) => (job.realServer.includes('.11:') ? GOOD : job.realServer.includes('.12:') ? LOST : SILENT);
    const { state, read } = source(plan, of);
    const output = new Output();
    const turn = async () => {
      const data = await read();
      output.take((samples) => publishPassthrough(data, samples));
      return data;
    };
    await turn();
    state.pass(300_000);
    const data = await turn();
    assert.deepEqual(series(output).toSorted(), [
      'finding web 10.1.1.12:8080 direct ADDRESS_LOST load_balancer 1',
      'last_success_timestamp_seconds web direct 1300',
      'mismatches_total web load_balancer 2',
      'ok web 10.1.1.11:8080 direct 1',
      'ok web 10.1.1.12:8080 direct 0',
      'unverified_real_servers web direct 1',
    ]);
    assert.deepEqual(passthroughFindings(data), [
      {
        finding: 'ADDRESS_LOST',
        service: 'web',
        realServer: '10.1.1.12:8080',
        found: 'P2: takes this load balancer',
      },
    ]);
    state.answer = () => GOOD;
    assert.deepEqual(passthroughFindings(await turn()), []);
    state.plan = declared(1);
    await turn();
    assert.deepEqual(
      series(output).filter((line) => line.startsWith('ok')),
      ['ok web 10.1.1.11:8080 direct 1'],
      'what is no longer declared is gone',
    );
  });

  it('what this machine lacks for P5 is logged once, and found; it is nothing against real servers', async () => {
    const unsent: Verified = { level: 'P5', cause: 'not_sent', found: 'the option could not be sent: no CAP_BPF' };
    const { state, read } = source(declared(2), () => [...GOOD, unsent]);
    await read();
    const data = await read();
    assert.deepEqual(state.logged, ['passthrough: P5: the option could not be sent: no CAP_BPF']);
    const named = passthroughFindings(data).map(({ finding, found }) => `${finding} ${found}`);
    assert.deepEqual(named, Array(2).fill('NOT_SENT P5: the option could not be sent: no CAP_BPF'));
    const output = new Output();
    output.take((samples) => publishPassthrough(data, samples));
    assert.deepEqual(series(output).toSorted(), [
      'finding web 10.1.1.11:8080 direct NOT_SENT not_sent 1',
      'finding web 10.1.1.12:8080 direct NOT_SENT not_sent 1',
      'unverified_real_servers web direct 2',
    ]);
  });

  it('the strongest level that found something counts', () => {
    const p0: Verified = { level: 'P0', cause: 'check', found: '' };
    assert.equal(decisive([p0, ...LOST.slice(1)]).level, 'P2');
    assert.equal(decisive([p0, ...SILENT]).level, 'P0', 'a mismatch before what could not be seen');
    assert.equal(decisive(GOOD).level, 'P1');
  });

  it('through the VIP there is one job for each service, with the pool of the SNAT plan', () => {
    const snat = { pool: '10.0.0.0/24' } as Plan['snat'];
    const plan = { ...declared(3, { through: ['vip'] }), ...(snat && { snat }) };
    const [job, ...more] = jobsOf(plan);
    assert.equal(more.length, 0);
    assert.deepEqual(job, {
      way: 'vip',
      service: 'web',
      realServer: '',
      address: { family: 4, ip: '203.0.113.10', port: 80 },
      echo: '/whoami',
      check: plan.targets[0]!.check,
      pool: '10.0.0.0/24',
    });
    assert.equal(jobsOf(declared(3, { through: ['direct', 'vip'] })).length, 4);
  });
});
