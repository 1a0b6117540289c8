/** The drivers of the actuator bgp. A new one is one file here and one line in this list. */
import { byRoute, type Kernel } from './by-route.ts';
import { bySession } from './by-session.ts';
import type { Driver } from './driver.ts';
import type { Open } from './sessions.ts';

/** What the drivers act on; tests have others. */
export interface Machine {
  readonly open: Open;
  readonly kernel?: Kernel;
}

export function drivers({ open, kernel }: Machine): readonly Driver[] {
  return [bySession(open), byRoute(kernel)];
}
