/** A plan as bytes that several threads read: made once by whoever makes the plan, copied by nobody. */
import { deserialize, serialize } from 'node:v8';
import type { Plan } from '../model/plan.ts';

export function packPlan(plan: Plan): SharedArrayBuffer {
  const bytes = serialize(plan);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}

export function unpackPlan(shared: SharedArrayBuffer): Plan {
  return deserialize(new Uint8Array(shared)) as Plan;
}
