/** The inside of a panel, by its kind: Grafana's components where its package has them, else an own drawing that says so. */
import {
  applyNullInsertThreshold,
  type DataFrame,
  type FieldConfigSource,
  type FieldDisplay,
  getFieldDisplayValues,
  VizOrientation,
} from '@grafana/data';
import { BigValue, BigValueGraphMode, BigValueJustifyMode, BigValueTextMode, Table, TimeSeries, VizRepeater } from '@grafana/ui';
import React from 'react';
import { Heatmap } from './heatmap.tsx';
import type { Panel } from './model.ts';
import { theme, timeRange } from './settings.ts';
import { StateTimeline } from './timeline.tsx';
import { interpolate } from './variables.ts';

interface Figure {
  readonly panel: Panel;
  readonly frames: DataFrame[];
  readonly config: FieldConfigSource<any>;
  readonly width: number;
  readonly height: number;
}

const replaceVariables = (text: string) => interpolate(text);

/** Missing points as gaps: Grafana's panel does this for each frame, its component for the first only. */
function withGaps(frame: DataFrame): DataFrame {
  const refFieldPseudoMin = timeRange.from.valueOf();
  const refFieldPseudoMax = timeRange.to.valueOf();
  return applyNullInsertThreshold({ frame, refFieldPseudoMin, refFieldPseudoMax });
}

function Lines({ panel, frames, width, height }: Figure) {
  const legend = { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [], ...panel.options?.['legend'] };
  return (
    <TimeSeries
      {...{
        frames: frames.map(withGaps),
        width,
        height,
        legend,
        timeRange,
        timeZone: 'browser',
        structureRev: 1,
        replaceVariables,
        options: panel.options ?? {},
      }}
    />
  );
}

function Cells({ panel, frames, width, height }: Figure) {
  const initialSortBy = panel.options?.['sortBy'] ?? [];
  return <Table {...{ data: frames[0]!, width, height, showTypeIcons: false, timeRange, initialSortBy }} />;
}

/** Numbers of now: one figure per series. */
function Numbers({ panel, frames, config, width, height }: Figure) {
  const values = getFieldDisplayValues({
    fieldConfig: config,
    reduceOptions: { calcs: ['lastNotNull'], values: false, ...panel.options?.['reduceOptions'] },
    replaceVariables,
    theme,
    data: frames,
    timeZone: 'browser',
  });
  return (
    <VizRepeater<FieldDisplay>
      getValues={() => values}
      source={frames}
      renderCounter={1}
      orientation={VizOrientation.Auto}
      autoGrid
      {...{ width, height }}
      renderValue={({ value, width: w, height: h, count }) => (
        <BigValue
          value={value.display}
          colorMode={panel.options?.['colorMode'] ?? 'value'}
          graphMode={BigValueGraphMode.None}
          justifyMode={BigValueJustifyMode.Auto}
          textMode={panel.options?.['textMode'] ?? BigValueTextMode.Auto}
          {...{ theme, count, width: w, height: h }}
        />
      )}
    />
  );
}

const KINDS: Readonly<Record<string, (figure: Figure) => React.ReactElement>> = {
  timeseries: Lines,
  table: Cells,
  stat: Numbers,
  'state-timeline': StateTimeline,
  heatmap: Heatmap,
};

export function isDrawn(type: string): boolean {
  return type in KINDS;
}

export function Figure(figure: Figure) {
  const Kind = KINDS[figure.panel.type]!;
  return <Kind {...figure} />;
}
