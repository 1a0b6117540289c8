/** A heat map of a Prometheus histogram: buckets over time. Grafana's own is in its application, not in its packages. */
import { type DataFrame, formattedValueToString, getValueFormat } from '@grafana/data';
import React from 'react';
import { AXIS, Mark, TEXT, TimeAxis, timeScale } from './axes.tsx';
import { preview } from './settings.ts';

/** Grafana's scheme "Oranges", from little to much; on a dark page from dark to bright. */
const ORANGES = ['#feedde', '#fdbe85', '#fd8d3c', '#e6550d', '#a63603'];
const SCHEME = preview.theme === 'dark' ? ORANGES.toReversed() : ORANGES;

const bound = (f: DataFrame) => {
  const le = f.fields[1]!.labels?.['le'] ?? '';
  return le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
};

/** Cumulative buckets as counts of each bucket: time → count, the lowest bucket first. Buckets outside of what was seen are left out. */
function buckets(frames: readonly DataFrame[]): readonly { readonly le: number; readonly counts: ReadonlyMap<number, number> }[] {
  let below = new Map<number, number>();
  const all = frames
    .toSorted((a, b) => bound(a) - bound(b))
    .map((f) => {
      const sums = new Map((f.fields[0]!.values as number[]).map((t, k) => [t, f.fields[1]!.values[k] as number]));
      const counts = new Map([...sums].map(([t, n]) => [t, Math.max(0, n - (below.get(t) ?? 0))]));
      below = sums;
      return { le: bound(f), counts };
    });
  const seen = all.map((b) => [...b.counts.values()].some((n) => n > 0));
  return all.slice(Math.max(0, seen.indexOf(true)), seen.lastIndexOf(true) + 1);
}

export function Heatmap({ frames, width, height }: { frames: DataFrame[]; width: number; height: number }) {
  const rows = buckets(frames);
  const [left, right, top, bottom] = [72, width - 8, 12, height - AXIS];
  const rowHeight = (bottom - top) / Math.max(1, rows.length);
  const most = Math.max(...rows.flatMap((r) => [...r.counts.values()]));
  const x = timeScale(left, right);
  const step = frames[0]?.fields[0]!.config.interval ?? 1000;
  const label = (le: number) => (Number.isFinite(le) ? formattedValueToString(getValueFormat('s')(le)) : 'more');
  const every = Math.ceil(14 / rowHeight);
  return (
    <svg {...{ width, height }}>
      {rows.map(({ le, counts }, r) => (
        <g key={le} transform={`translate(0,${bottom - (r + 1) * rowHeight})`}>
          {r % every === 0 && (
            <text x={left - 6} y={rowHeight / 2 + 4} textAnchor="end" {...TEXT}>
              {Number.isFinite(le) ? `≤ ${label(le)}` : label(le)}
            </text>
          )}
          {[...counts].map(([t, n]) => {
            const colour = SCHEME[Math.min(SCHEME.length - 1, Math.floor(Math.sqrt(n / most) * SCHEME.length))];
            return n > 0 && <rect key={t} x={x(t)} width={x(t + step) - x(t) + 0.5} height={rowHeight - 1} fill={colour} />;
          })}
        </g>
      ))}
      <TimeAxis {...{ left, right }} y={bottom} />
      <Mark width={width} />
    </svg>
  );
}
