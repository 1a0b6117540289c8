/** Bytes that are nearly right, in great numbers: nothing crashes, hangs or grows. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../../http/http.ts';
import { attackBeside } from '../beside.ts';
import { type Input, inputs } from '../fuzz/inputs.ts';
import { Mutator } from '../fuzz/mutate.ts';
import type { Scenario } from '../scenario.ts';

const REQUESTS = 1_000_000;
const READINGS = 100_000;
/** The short form takes a hundredth. */
const times = (count: number, quick: boolean) => (quick ? count / 100 : count);
const words = (count: number) => count.toLocaleString('en').replaceAll(',', ' ');
const SEED = 20_261_128;
const HANG_MS = 1000;
const GROWTH_MB = 64;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heapMb = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
};

/** In this process: what reads is called directly. */
function reading({ name, corpus, read }: Input): Scenario {
  return {
    family: 'fuzz',
    name: `${words(READINGS)} mutated ${name}`,
    before: '–',
    short: true,
    async run(quick) {
      const count = times(READINGS, quick);
      const mutator = new Mutator(corpus(), SEED);
      let worst = 0;
      const before = heapMb();
      for (let k = 0; k < count; k++) {
        const bytes = mutator.next();
        const from = performance.now();
        try {
          read(bytes);
        } catch (error) {
          return { control: '', now: '', misses: [`number ${k} of seed ${SEED}: ${(error as Error).stack?.slice(0, 300)}`] };
        }
        worst = Math.max(worst, performance.now() - from);
        if (k % 500 === 0) await sleep(0);
      }
      const grown = heapMb() - before;
      const misses = worst > HANG_MS ? [`one took ${Math.round(worst)} ms`] : [];
      if (grown > GROWTH_MB) misses.push(`heap + ${Math.round(grown)} MB`);
      return { control: '', now: `worst ${Math.round(worst)} ms, heap ${grown >= 0 ? '+' : ''}${Math.round(grown)} MB`, misses };
    },
  };
}

const CLIENT = fileURLToPath(new URL('../fuzz.child.ts', import.meta.url));

/** Over sockets, beside real servers that die; then the rest of them. */
const requests = attackBeside({
  family: 'fuzz',
  name: `${words(REQUESTS)} mutated HTTP requests`,
  before: '–',
  short: true,
  attack: async ({ agent, port, quick }) => {
    const count = times(REQUESTS, quick);
    const argv = [CLIENT, String(port), String(count), String(SEED)];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
    let sent = 0;
    child.stdout.on('data', (chunk: Buffer) => (sent = Number(chunk.toString().trim().split('\n').at(-1))));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return {
      check: async () => {
        let worst = 0;
        while (child.exitCode === null) {
          const from = performance.now();
          assert.equal((await ask(port, '/-/healthy')).status, 200);
          worst = Math.max(worst, performance.now() - from);
          await Promise.race([ended, sleep(500)]);
        }
        assert.equal(sent, count, `${sent} were sent`);
        assert.ok(worst < HANG_MS, `/-/healthy took ${Math.round(worst)} ms`);
        assert.equal(agent.logged(/HTTP thread ended|HTTP request failed/), undefined);
      },
      stop: () => child.kill('SIGKILL'),
    };
  },
});

export const fuzz = [requests, ...inputs.map(reading)];
