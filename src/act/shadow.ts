/** shadow: every effect is made, counted and reported, and nothing is done. */
import * as z from 'zod';
import { actuator } from './actuator.ts';

export const shadow = actuator({
  name: 'shadow',
  summary: 'decides and reports as ipvs would, and changes nothing: beside another controller, to compare with it',
  schema: z.strictObject({}),
  scopes: ['service'],
  kinds: ['realServer'],
  idempotent: true,
  batch: true,
  concurrency: 1,
  identity: () => '',
  perform: (_, effects) => Promise.resolve(effects.map(() => ({ result: 'done' as const }))),
});
