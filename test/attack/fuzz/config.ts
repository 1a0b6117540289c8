/** A configuration is read, or refused with places. */
import { loadPlan } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';

/** Throws what is a defect of the reader. */
export function configDefects(bytes: Buffer): void {
  try {
    loadPlan(bytes, 'f.yaml', { hostname: 'lb' });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (error.problems.some(({ line, column }) => !(line >= 1 && column >= 1)))
      throw new Error(`a problem without place: ${error.message}`);
  }
}
