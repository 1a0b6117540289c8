/** Families of the collector passthrough. */
import { counter, gauge, type Metric } from '../../model/family.ts';

const WHERE = ['service', 'real_server', 'way'];

export const OK = gauge(
  'passthrough_ok',
  'Whether the real server gets the address of the client as declared; no series when it could not be seen. Way vip: through ' +
    'the VIP, real_server is empty.',
  WHERE,
);
export const FINDING = gauge('passthrough_finding', 'What was found instead; no series while all is as declared.', [
  ...WHERE,
  'finding',
  'cause',
]);
export const MISMATCHES = counter('passthrough_mismatches_total', 'Verifications that found something else than declared.', [
  'service',
  'cause',
]);
export const UNVERIFIED = gauge(
  'passthrough_unverified_real_servers',
  'Real servers (way vip: services) of which the last verification saw nothing: no answer, no echo, or the VIP is here.',
  ['service', 'way'],
);
export const LAST_SUCCESS = gauge(
  'passthrough_last_success_timestamp_seconds',
  'When some real server of the service was last verified and found as declared.',
  ['service', 'way'],
);

export const PASSTHROUGH_METRICS: readonly Metric[] = [OK, FINDING, MISMATCHES, UNVERIFIED, LAST_SUCCESS];
