/** none: observe only. No effect is ever made for it. */
import * as z from 'zod';
import { actuator } from './actuator.ts';

export const none = actuator({
  name: 'none',
  summary: 'observe only: verdicts and metrics, no action',
  schema: z.strictObject({}),
  scopes: ['nic', 'service'],
  idempotent: true,
  batch: false,
  concurrency: 1,
  identity: () => '',
  perform: () => Promise.resolve('unchanged'),
});
