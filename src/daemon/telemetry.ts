/** OpenTelemetry as the daemon has it: its clock, its log, its series. */
import type { FamilySource } from '../model/family.ts';
import type { Plan } from '../model/plan.ts';
import { Telemetry } from '../otel/telemetry.ts';
import { wallOffsetMs } from '../sys/clock.ts';
import { addFields, type Logger } from '../sys/log.ts';

export interface TelemetryParts {
  readonly clock: () => number;
  readonly log: Logger;
  readonly version: string;
  readonly plan: Plan;
  /** What is pushed: all that /metrics shows. */
  readonly metrics: FamilySource;
}

/** Off until it is told to follow a plan. Log lines written inside a span carry its ids from now on. */
export function makeTelemetry({ clock, log, version, plan, metrics }: TelemetryParts): Telemetry {
  const telemetry = new Telemetry({
    clock,
    wallOffsetMs,
    log: (level, message, fields) => log[level](fields, message),
    version,
    labels: { cluster: plan.cluster, server: plan.server },
    metrics,
  });
  addFields(log, () => telemetry.tracer.fields());
  return telemetry;
}
