import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acceptsGzip, negotiateFormat } from '../../src/http/accept.ts';

const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,' +
  'text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

const formats: readonly (readonly [header: string | undefined, format: string])[] = [
  [undefined, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  ['text/html,*/*;q=0.8', 'text'],
  [PROMETHEUS, 'openmetrics'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text;q=0', 'text'],
  ['application/openmetrics-text;q=0.3, text/plain;q=0.8', 'text'],
  ['application/openmetrics-text;q=0.3, text/*;q=0.8', 'text'],
  ['application/openmetrics-text;version=2.0.0, text/plain;q=0.1', 'text'],
  ['APPLICATION/OpenMetrics-Text; version="1.0.0"', 'openmetrics'],
];

for (const [header, format] of formats) {
  test(`Accept: ${header ?? '(none)'} → ${format}`, () => assert.equal(negotiateFormat(header), format));
}

test('gzip only where it is taken', () => {
  const taken = ['gzip', 'deflate, gzip;q=0.5', '*', 'x-gzip', 'GZIP'].map(acceptsGzip);
  const refused = [undefined, '', 'identity', 'gzip;q=0', '*;q=0', 'gzip;q=0, *', 'br'].map(acceptsGzip);
  assert.deepEqual([taken, refused], [taken.map(() => true), refused.map(() => false)]);
});

test('no header breaks the negotiation', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (header) => void [negotiateFormat(header), acceptsGzip(header)]));
});
