/** `npm run fuzz:keepalived [-- COUNT [SEED]]`: mutated configurations through the reader and the linter. */
import { fuzz } from './keepalived/fuzzing.ts';

const [count = '1000000', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const { inputs, slowestMs } = fuzz({ most: Number(count), budgetMs: Number.POSITIVE_INFINITY, seed: Number(seed) });
process.stdout.write(`${inputs} inputs of seed ${seed}: none threw, the slowest took ${slowestMs.toFixed(1)} ms\n`);
