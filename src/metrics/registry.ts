/**
 * All that is exported, in one list: /metrics renders it and OpenTelemetry pushes it. Sources are asked in the order in which
 * they were added, which is the order on /metrics.
 */
import type { Family, FamilySource } from '../model/family.ts';

export class Registry implements FamilySource {
  readonly #sources: FamilySource[] = [];

  /** Adds sources behind those that are there. */
  add(...sources: readonly FamilySource[]): void {
    this.#sources.push(...sources);
  }

  families(): readonly Family[] {
    return this.#sources.flatMap((source) => source.families());
  }
}
