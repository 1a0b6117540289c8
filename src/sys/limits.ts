/** What the kernel allows this process. */
import { readFileSync } from 'node:fs';

/** How many descriptors it may have open; Infinity when that is not known. */
export function descriptorLimit(): number {
  try {
    const text = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files\s+(\d+)/m.exec(text)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
