/** What the preview's own drawings share: time ticks and the mark that says that Grafana draws this otherwise. */
import { dateTimeFormat } from '@grafana/data';
import React from 'react';
import { preview, seconds, theme } from './settings.ts';

export const TEXT = { fontSize: 11, fontFamily: theme.typography.fontFamily, fill: theme.colors.text.primary } as const;
/** Height of the time axis, px. */
export const AXIS = 20;

/** x of a time in ms, for a drawing from `left` to `right`. */
export function timeScale(left: number, right: number): (ms: number) => number {
  return (ms) => left + ((ms / 1000 - preview.from) / seconds) * (right - left);
}

export function TimeAxis({ left, right, y }: { readonly left: number; readonly right: number; readonly y: number }) {
  const x = timeScale(left, right);
  const step = [10, 30, 60, 120, 300, 600, 1800, 3600].find((s) => (seconds / s) * 60 <= right - left) ?? 7200;
  const ticks = Array.from({ length: Math.floor(seconds / step) }, (_, k) => (Math.ceil(preview.from / step) + k) * step * 1000);
  return (
    <>
      {ticks.map((t) => (
        <text key={t} x={x(t)} y={y + 14} textAnchor="middle" {...TEXT}>
          {dateTimeFormat(t, { format: step < 60 ? 'HH:mm:ss' : 'HH:mm', timeZone: 'browser' })}
        </text>
      ))}
    </>
  );
}

export function Mark({ width }: { readonly width: number }) {
  return (
    <text x={width - 2} y={9} textAnchor="end" {...TEXT} fontSize={9} fill={theme.colors.text.secondary}>
      preview drawing
    </text>
  );
}
