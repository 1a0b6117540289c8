/** What the page is about, Grafana's theme, and the time range as its components want it. */
import { createTheme, dateTime, type TimeRange } from '@grafana/data';

export const preview = window.PREVIEW;
export const theme = createTheme({ colors: { mode: preview.theme } });

const from = dateTime(preview.from * 1000);
const to = dateTime(preview.to * 1000);
export const timeRange: TimeRange = { from, to, raw: { from, to } };
export const seconds = preview.to - preview.from;
