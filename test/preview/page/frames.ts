/** Answers of Prometheus as the data frames that Grafana's data source would make of them. */
import {
  type DataFrame,
  FieldType,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';
import type { Panel, Target } from './model.ts';
import { instant, overTime, type Series } from './prometheus.ts';
import { seconds } from './settings.ts';
import { interpolate } from './variables.ts';

// The list has a transformer twice: the registry refuses that.
standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((t) => [t.id, t])).values()].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation,
    editor: () => null,
  })),
);

function legend(format: string | undefined, labels: Series['metric']): string {
  if (format) return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '');
  return Object.entries(labels)
    .map(([k, v]) => `${k}="${v}"`)
    .join(', ');
}

function seriesFrame(series: Series, { refId, legendFormat }: Target, step: number): DataFrame {
  const points = series.values ?? [series.value!];
  const name = legend(legendFormat, series.metric);
  return toDataFrame({
    refId,
    name,
    fields: [
      { name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: points.map((p) => p[0] * 1000) },
      {
        name: 'Value',
        type: FieldType.number,
        labels: series.metric,
        config: { displayNameFromDS: name },
        values: points.map((p) => Number(p[1])),
      },
    ],
  });
}

function tableFrame(result: readonly Series[], { refId }: Target): DataFrame {
  const labels = [...new Set(result.flatMap((r) => Object.keys(r.metric)))].sort();
  return toDataFrame({
    refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: result.map((r) => r.value![0] * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, config: {}, values: result.map((r) => r.metric[name] ?? '') })),
      { name: `Value #${refId}`, type: FieldType.number, config: {}, values: result.map((r) => Number(r.value![1])) },
    ],
  });
}

/** Asks all queries of a panel `width` pixels wide and applies its transformations; no frames when there is no data. */
export async function framesOf(panel: Panel, width: number): Promise<DataFrame[]> {
  const step = Math.max(1, Math.ceil(seconds / width));
  const frames: DataFrame[] = [];
  for (const target of panel.targets ?? []) {
    const query = interpolate(target.expr, step);
    const result = target.instant === true ? await instant(query) : await overTime(query, step);
    if (target.format === 'table') frames.push(...(result.length > 0 ? [tableFrame(result, target)] : []));
    else frames.push(...result.map((series) => seriesFrame(series, target, step)));
  }
  if (frames.length === 0 || panel.transformations === undefined) return frames;
  return firstValueFrom(transformDataFrame([...panel.transformations], frames));
}
