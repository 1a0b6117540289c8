/** Units, thresholds, mappings, colours and overrides of a panel applied to its data, by Grafana's own code. */
import { applyFieldOverrides, type DataFrame, type FieldConfigSource, Registry, type ThresholdsConfig } from '@grafana/data';
import type { FieldConfig, Panel } from './model.ts';
import { theme } from './settings.ts';
import { interpolate } from './variables.ts';

/** What the panel's plugin would register: Grafana's defaults of the kinds that are drawn here. */
const CUSTOM: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  timeseries: {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: 'none',
    spanNulls: false,
    showPoints: 'auto',
    pointSize: 5,
    stacking: { mode: 'none', group: 'A' },
    axisPlacement: 'auto',
    axisLabel: '',
    axisColorMode: 'text',
    axisBorderShow: false,
    axisCenteredZero: false,
    scaleDistribution: { type: 'linear' },
    hideFrom: { tooltip: false, viz: false, legend: false },
    thresholdsStyle: { mode: 'off' },
    barAlignment: 0,
  },
  table: { minWidth: 60, align: 'auto', cellOptions: { type: 'auto' }, inspect: false },
};

const STANDARD = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'color', 'thresholds', 'mappings', 'links'];

/** JSON has no −∞: the first step's value is null there. */
function withInfinity(thresholds: ThresholdsConfig): ThresholdsConfig {
  const { mode, steps } = thresholds;
  return { mode, steps: steps.map((s) => ({ ...s, value: s.value ?? Number.NEGATIVE_INFINITY })) };
}

function complete(type: string, config: FieldConfig | undefined): FieldConfigSource<any> {
  const { custom, thresholds, ...defaults } = config?.defaults ?? {};
  const green = { mode: 'absolute', steps: [{ value: null, color: 'green' }] };
  return {
    defaults: {
      color: { mode: type === 'timeseries' ? 'palette-classic' : 'thresholds' },
      ...defaults,
      custom: { ...CUSTOM[type], ...custom },
      thresholds: withInfinity((thresholds ?? green) as ThresholdsConfig),
    },
    overrides: (config?.overrides ?? []).map(({ matcher, properties }) => ({
      matcher,
      properties: properties.map((p) => (p.id === 'thresholds' ? { ...p, value: withInfinity(p.value as ThresholdsConfig) } : p)),
    })),
  };
}

function registry(type: string, config: FieldConfigSource<any>): Registry<any> {
  const used = config.overrides.flatMap((o) => o.properties.map((p) => p.id)).filter((id) => id.startsWith('custom.'));
  const custom = new Set([...Object.keys(config.defaults.custom), ...used.map((id) => id.slice(7))]);
  const common = { process: (value: unknown) => value, shouldApply: () => true, override: () => null, editor: () => null };
  return new Registry<any>(() => [
    ...STANDARD.map((id) => ({ ...common, id, path: id, name: id, isCustom: false })),
    ...[...custom].map((path) => ({
      ...common,
      id: `custom.${path}`,
      path,
      name: path,
      isCustom: true,
      defaultValue: CUSTOM[type]?.[path],
    })),
  ]);
}

/** The frames with their display processors, and the config that was applied. */
export function applied(
  panel: Panel,
  data: DataFrame[],
): { readonly config: FieldConfigSource<any>; readonly frames: DataFrame[] } {
  const config = complete(panel.type, panel.fieldConfig);
  const frames = applyFieldOverrides({
    data,
    fieldConfig: config,
    replaceVariables: (text) => interpolate(text),
    theme,
    timeZone: 'browser',
    fieldConfigRegistry: registry(panel.type, config),
  });
  return { config, frames };
}
