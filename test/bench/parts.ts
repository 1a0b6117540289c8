/** Parts of the bench that run in a process of their own, as rows. */
import { ask } from './ask.ts';
import type { Measured as Judged } from './judge.ts';
import type { Measured as Reacted } from './reaction.ts';
import type { Measured as Reloaded } from './reload.ts';
import { mostlyGood, type Precondition, type Row } from './row.ts';
import type { Measured as Scraped } from './scrape.ts';

/** RULES' debounce_ms: so long a changed link is waited for on purpose. */
const DEBOUNCE_MS = 50;

/** What the judge must have named in each world of judge.ts with 60 000 real servers, for its time to mean something. */
const NAMED: Readonly<Record<string, (m: Judged) => Precondition>> = {
  healthy: (m) => ({
    what: `nothing named (${m.downBefore + m.downAfter + m.nicNamed})`,
    holds: m.downBefore + m.downAfter + m.nicNamed === 0,
  }),
  lossy: (m) => ({ what: `no real server named down (${m.downBefore + m.downAfter})`, holds: m.downBefore + m.downAfter === 0 }),
  'mass failure': (m) => ({
    what: `none named down before the event and 24 000 after (${m.downBefore}, ${m.downAfter})`,
    holds: m.downBefore === 0 && m.downAfter === 24_000,
  }),
};

/** Time of a judge pass. */
export async function judgePass(): Promise<Row[]> {
  const all = await ask<Judged[]>('./judge.ts');
  return all
    .filter((m) => m.cells === 120_000)
    .flatMap((m) => {
      const needs = [NAMED[m.world]!(m), { what: 'the agent not frozen', holds: m.agentNamed === 0 }];
      const row = (quantile: string, value: number, plain: number): Row => ({
        what: `judge pass at 120 000 cells, ${m.world}: ${quantile}`,
        value,
        limit: 10,
        unit: 'ms',
        calibration: { what: `plain pass, ${quantile}`, value: plain, times: 4 },
        needs,
      });
      return [row('p50', m.p50, m.plain50), row('p99', m.p99, m.plain99)];
    });
}

/** Price of a scrape. */
export async function scrape(): Promise<Row[]> {
  const m = await ask<Scraped>('./scrape.ts');
  const needs = [
    { what: `100 000 lines, those of prom-client (${m.same} of ${m.lines})`, holds: m.lines === 100_000 && m.same === m.lines },
  ];
  const what = 'scrape of 100 000 series, every value changed: CPU';
  return [
    {
      what,
      value: m.all,
      limit: 40,
      unit: 'ms',
      calibration: { what: 'plain writing of the numbers', value: m.plain, times: 2 },
      needs,
    },
    { what, value: m.all, unit: 'ms', calibration: { what: 'prom-client', value: m.peer, times: 0.15 }, needs },
    { what: 'RSS growth over 1 000 scrapes', value: Math.max(0, m.after / m.before - 1), limit: 0.05, unit: '', needs },
  ];
}

/** Reload of a big plan. */
export async function reload(): Promise<Row[]> {
  const m = await ask<Reloaded>('./reload.ts');
  console.log(`  worst ${m.worst.toFixed(0)} ms, the first, with the start of its thread, ${m.first.toFixed(0)} ms`);
  const needs = [
    { what: `every target with a result before the first reload (${m.lostBefore} without)`, holds: m.lostBefore === 0 },
  ];
  return [
    {
      what: 'reload of 10 000 real servers, 1 % changed: median',
      value: m.median,
      limit: 100,
      unit: 'ms',
      calibration: { what: 'JSON.parse and structuredClone of the plan', value: m.plain, times: 3 },
      needs,
    },
    { what: "of that in the judge's thread", value: m.busy, limit: 50, unit: 'ms', needs },
    { what: 'checks of unchanged targets lost or restarted by it', value: m.lost, limit: 0, unit: '', needs },
  ];
}

/** Carrier loss to action. */
export async function reaction(): Promise<Row[]> {
  if (process.getuid?.() !== 0) {
    console.log('  needs root: it makes network namespaces');
    const needs = [{ what: 'run by root', holds: false }];
    return [{ what: 'carrier loss → action with 10 000 cells', value: null, limit: 100, unit: 'ms', needs }];
  }
  const m = await ask<Reacted>('./reaction.ts');
  const needs = [mostlyGood('before the first cut', m)];
  const times = { times: 2, plus: DEBOUNCE_MS + 30 };
  const what = `carrier loss → action with 10 000 cells, of ${m.rounds} (with the time to run ip)`;
  return [
    {
      what: `${what}: worst`,
      value: m.worst,
      limit: 100,
      unit: 'ms',
      calibration: { what: 'ip monitor, worst', value: m.monitorWorst, ...times },
      needs,
    },
    {
      what: `${what}: median`,
      value: m.median,
      unit: 'ms',
      calibration: { what: 'ip monitor, median', value: m.monitorMedian, ...times },
      needs,
    },
  ];
}
