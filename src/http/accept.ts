/** Content negotiation: what the headers of a scrape ask for. */
import Negotiator from 'negotiator';
import type { Format } from '../metrics/exposition.ts';

const OPEN_METRICS = 'application/openmetrics-text';

/** OpenMetrics only where it is named and preferred to plain text; everything else, also nonsense, gets plain text. */
export function negotiateFormat(accept = ''): Format {
  const asked = accept.toLowerCase();
  if (!asked.includes(OPEN_METRICS)) return 'text';
  // The older version for those who know only that one: what is sent suits both.
  const version = asked.includes('0.0.1') && !asked.includes('1.0.0') ? '0.0.1' : '1.0.0';
  const offered = [`${OPEN_METRICS}; version=${version}`, 'text/plain; version=0.0.4'];
  return new Negotiator({ headers: { accept } }).mediaType(offered) === offered[0] ? 'openmetrics' : 'text';
}

/** Whether the client takes gzip, which old ones call x-gzip. */
export function acceptsGzip(acceptEncoding = ''): boolean {
  const negotiator = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } });
  return negotiator.encoding(['gzip']) !== undefined || negotiator.encodings().includes('x-gzip');
}
