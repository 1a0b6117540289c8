/** One text for one value. */
import { configure } from 'safe-stable-stringify';

const stringify = configure({ circularValue: TypeError, deterministic: true });

/** JSON text equal for equal values, whatever the order of keys. @throws TypeError for a circular value */
export function canonical(value: unknown): string {
  return stringify(value) ?? '';
}
