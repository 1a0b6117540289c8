/** Spans that nobody records, for tests of what happens inside them. */
import { VerdictSpans } from '../../src/daemon/spans.ts';
import { Tracer } from '../../src/otel/tracer.ts';

export const tracerOff = new Tracer(
  () => 0,
  () => 0,
);
export const noSpans = new VerdictSpans(tracerOff, () => 0);
