/**
 * Loaded into an agent before its own code: how long its main thread, the judge's, is held. The first SIGUSR2 begins, the next
 * one ends, and what was found is a line of the agent's log; SIGPWR collects its garbage. In plain JavaScript, since what strips
 * types takes memory in each thread.
 */
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  /** @type {import('node:perf_hooks').PerformanceEntry[]} */
  let collections = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  /** @type {NodeJS.CpuUsage | undefined} */
  let began;
  // So that two processes are alike, whose collector has come by at another time.
  process.on('SIGPWR', () => {
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
  });
  process.on('SIGUSR2', () => {
    if (began === undefined) {
      collections = [];
      observer.observe({ entryTypes: ['gc'] });
      delay.reset();
      delay.enable();
      began = process.threadCpuUsage();
      return;
    }
    delay.disable();
    const { user, system } = process.threadCpuUsage(began);
    collections.push(...observer.takeRecords());
    observer.disconnect();
    began = undefined;
    const found = {
      maxMs: delay.max / 1e6,
      p99Ms: delay.percentile(99) / 1e6,
      cpuMs: (user + system) / 1000,
      collectionMs: Math.max(0, ...collections.map(({ duration }) => duration)),
      full: collections.filter((/** @type {any} */ { detail }) => detail.kind === 4).length,
    };
    process.stdout.write(`${JSON.stringify({ level: 30, message: 'held', ...found })}\n`);
  });
}
