/** The actuators. A new one is one file here and one line in this list. */
import type { ActuatorSpec } from '../model/plan.ts';
import type { Actuator } from './actuator.ts';
import { bgp } from './bgp.ts';
import { dpvs } from './dpvs.ts';
import { exec } from './exec.ts';
import { ipvs } from './ipvs.ts';
import { ipvsTable } from './ipvs-table.ts';
import { none } from './none.ts';
import { notify } from './notify.ts';
import { shadow } from './shadow.ts';
import { trackFile } from './track-file.ts';
import { webhook } from './webhook.ts';

export const actuators: readonly Actuator[] = [none, bgp, dpvs, exec, ipvs, ipvsTable, notify, shadow, trackFile, webhook];

/** Text by which two configured actuators that act on different things differ. */
export function identityOf(spec: ActuatorSpec): string {
  return actuators.find((a) => a.name === spec.type)?.identity(spec) ?? '';
}
