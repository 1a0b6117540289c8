/** Content negotiation: what the headers of a scrape ask for (RFC 9110, with quality values). */
import type { Format } from '../metrics/exposition.ts';

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
}

/** Elements of an Accept-like header; a quality that is no number counts as 1, one outside 0–1 is clamped. */
function parseRanges(header: string): readonly Range[] {
  return header.split(',').map((element) => {
    const [type = '', ...rest] = element.split(';').map((part) => part.trim().toLowerCase());
    const parameters = new Map(rest.map((p) => p.split('=', 2).map((s) => s.trim().replace(/^"|"$/g, '')) as [string, string]));
    const q = Number.parseFloat(parameters.get('q') ?? '1');
    return { type, parameters, q: Number.isNaN(q) ? 1 : Math.min(Math.max(q, 0), 1) };
  });
}

/** Quality of the most specific range that covers a media type; undefined when none does. */
function quality(ranges: readonly Range[], type: string, versions: readonly string[]): number | undefined {
  const group = type.replace(/\/.*/, '/*');
  const fits = (r: Range) => r.type === type && versions.includes(r.parameters.get('version') ?? versions[0]!);
  const named = ranges.filter(fits);
  const covering = named.length > 0 ? named : ranges.filter((r) => r.type === group);
  const chosen = covering.length > 0 ? covering : ranges.filter((r) => r.type === '*/*');
  return chosen.length > 0 ? Math.max(...chosen.map((r) => r.q)) : undefined;
}

/** OpenMetrics only where it is named and preferred to plain text; everything else, also nonsense, gets plain text. */
export function negotiateFormat(accept: string | undefined): Format {
  const ranges = parseRanges(accept ?? '');
  if (!ranges.some((r) => r.type === 'application/openmetrics-text')) return 'text';
  const open = quality(ranges, 'application/openmetrics-text', ['1.0.0', '0.0.1']) ?? 0;
  const text = quality(ranges, 'text/plain', ['0.0.4']) ?? 0;
  return open > 0 && open >= text ? 'openmetrics' : 'text';
}

/** Whether the client takes gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const ranges = parseRanges(acceptEncoding ?? '');
  const named = ranges.filter((r) => r.type === 'gzip' || r.type === 'x-gzip');
  return (named.length > 0 ? named : ranges.filter((r) => r.type === '*')).some((r) => r.q > 0);
}
