/** A state timeline: a row per series, a bar per stretch of one state. Grafana's own is in its application, not in its packages. */
import { type DataFrame, formattedValueToString, getDisplayProcessor, getFieldDisplayName } from '@grafana/data';
import React from 'react';
import { AXIS, Mark, TEXT, TimeAxis, timeScale } from './axes.tsx';
import { theme } from './settings.ts';

interface Stretch {
  readonly from: number;
  to: number;
  readonly text: string;
  readonly colour: string;
}

/** Neighbouring points that say the same are one stretch; it ends where points are missing. */
function stretches(frame: DataFrame): Stretch[] {
  const [time, value] = frame.fields;
  const step = time!.config.interval ?? 1000;
  const show = value!.display ?? getDisplayProcessor({ field: value!, theme });
  const found: Stretch[] = [];
  for (const [k, at] of (time!.values as number[]).entries()) {
    const display = show(value!.values[k]);
    const [text, colour] = [formattedValueToString(display), display.color ?? theme.colors.text.secondary];
    const last = found.at(-1);
    if (last !== undefined && last.text === text && at - last.to <= 1.5 * step) last.to = at;
    else found.push({ from: at, to: at, text, colour });
  }
  return found.map((s) => ({ ...s, to: s.to + step }));
}

export function StateTimeline({ frames, width, height }: { frames: DataFrame[]; width: number; height: number }) {
  const names = frames.map((f) => getFieldDisplayName(f.fields[1]!, f, frames));
  const left = Math.min(width / 2, 14 + 6.6 * Math.max(...names.map((n) => n.length)));
  const [right, top] = [width - 8, 12];
  const rows = frames.map(stretches);
  const legend = [...new Map(rows.flat().map((s) => [s.text, s.colour]))];
  const bottom = height - AXIS - 18;
  const rowHeight = (bottom - top) / Math.max(1, rows.length);
  const x = timeScale(left, right);
  const clip = (ms: number) => Math.min(right, Math.max(left, x(ms)));
  return (
    <svg {...{ width, height }}>
      {rows.map((row, r) => (
        <g key={r}>
          <text x={left - 6} y={top + (r + 0.5) * rowHeight + 4} textAnchor="end" {...TEXT}>
            {names[r]}
          </text>
          {row.map((s) => (
            <g key={s.from}>
              <rect
                x={clip(s.from)}
                y={top + r * rowHeight + 0.1 * rowHeight}
                width={clip(s.to) - clip(s.from)}
                height={0.8 * rowHeight}
                fill={s.colour}
              />
              {clip(s.to) - clip(s.from) > 8 + 6 * s.text.length && rowHeight > 13 && (
                <text x={clip(s.from) + 4} y={top + (r + 0.5) * rowHeight + 4} {...TEXT} fill={textOn(s.colour)}>
                  {s.text}
                </text>
              )}
            </g>
          ))}
        </g>
      ))}
      <TimeAxis {...{ left, right }} y={bottom} />
      {legend.map(([text, colour], k) => (
        <g
          key={text}
          transform={`translate(${8 + legend.slice(0, k).reduce((w, [t]) => w + 30 + 6.5 * t.length, 0)},${height - 6})`}
        >
          <rect width={14} height={4} y={-6} fill={colour} stroke={theme.colors.border.medium} />
          <text x={18} {...TEXT}>
            {text}
          </text>
        </g>
      ))}
      <Mark width={width} />
    </svg>
  );
}

function textOn(colour: string): string {
  return colour === 'transparent' ? theme.colors.text.primary : theme.colors.getContrastText(colour);
}
