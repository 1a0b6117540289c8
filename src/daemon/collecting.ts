/** Collectors in the daemon: what they read goes to scrapes, what it proves goes to the judge. */
import type { Collector, Source } from '../collect/collector.ts';
import { collectors } from '../collect/index.ts';
import { EvidenceJoin, type JoinedFacts } from '../collect/join.ts';
import { Runner } from '../collect/runner.ts';
import type { Plan } from '../model/plan.ts';
import { wallOffsetMs } from '../sys/clock.ts';
import type { Logger } from '../sys/log.ts';
import type { Tracer } from '../otel/tracer.ts';
import type { Carriers } from './carrier.ts';
import type { Loop } from './loop.ts';

export interface CollectingParts {
  readonly clock: () => number;
  readonly log: Logger;
  readonly plan: () => Plan;
  readonly loop: Loop;
  readonly carriers: Carriers;
  readonly tracer: Tracer;
  /** Called when the source of a collector, such as a data plane, has been started again or is there again. */
  readonly started: (collector: string) => void;
}

/** A port's word about its link holds for this many of its collector's intervals. */
const LINK_HOLDS = 3;

/** The runner of the listed collectors; it does nothing until `apply`. */
export function makeRunner({ clock, log, plan, loop, carriers, tracer, started }: CollectingParts): Runner {
  const join = new EvidenceJoin();
  const take = (name: string, { links, dataplane, routing }: JoinedFacts) => {
    const settings = plan().collectors[name];
    const holds = LINK_HOLDS * (settings ? settings.interval : 0);
    for (const { nic, link } of links) carriers.port(nic, link, clock(), holds);
    carriers.expire(clock());
    for (const fact of [...dataplane, ...routing]) loop.observe(fact);
  };
  return new Runner({
    collectors: collectors.map((collector) => traced(collector, tracer)),
    context: {
      clock,
      log: (level, message, fields) => log[level](fields ?? {}, message),
      nics: () => plan().nics,
      edge: plan,
      server: () => plan().server,
      plan,
    },
    wallOffsetMs,
    onStarted: started,
    onAnswer: (name, evidence, t) => take(name, join.answer(plan(), name, evidence, t)),
    onEvidence: (name, evidence, t) => take(name, join.facts(plan(), name, evidence, t)),
  });
}

/** The same collector, each of its readings in a span. */
function traced(collector: Collector, tracer: Tracer): Collector {
  const { name } = collector;
  return {
    ...collector,
    open: (settings, context) => {
      const source = collector.open(settings, context);
      const read = (signal: AbortSignal) =>
        tracer.span(`collect ${name}`, { attributes: { 'fourlane.collector': name } }, async (span) => {
          const reading = await source.read(signal);
          span.set({ 'fourlane.state': reading.state });
          if (reading.state === 'failed') span.fail(reading.reason);
          return reading;
        });
      const run = source.run === undefined ? {} : { run: () => source.run!() };
      const ask = source.ask === undefined ? {} : { ask: asked(tracer, name, source.ask.bind(source)) };
      const look = source.realServers === undefined ? {} : { realServers: source.realServers.bind(source) };
      return { read, ...run, ...ask, ...look, close: () => source.close() };
    },
  };
}

type Ask = NonNullable<Source<unknown>['ask']>;

function asked(tracer: Tracer, name: string, ask: Ask): Ask {
  const attributes = { 'fourlane.collector': name, 'fourlane.summary': 'asked because of a suspicion' };
  return (nics, signal) => tracer.span(`collect ${name}`, { attributes }, () => ask(nics, signal));
}
