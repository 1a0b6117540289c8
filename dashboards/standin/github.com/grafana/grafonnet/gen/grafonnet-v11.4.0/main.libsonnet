// Stand-in for the part of grafonnet v11.4.0's API that these dashboards use, written from its documentation: setters at the same paths.
// It lets the dashboards be generated without network; generation with the real library must give the same bytes (docs/dashboards.md).
local cap(s) = std.asciiUpper(s[0]) + s[1:];
local nest(path, v) = if std.length(path) == 1 then { [path[0]]: v } else { [path[0]]+: nest(path[1:], v) };
local setters(prefix, names) = { ['with' + cap(n)]: function(v=true) nest(prefix + [n], v) for n in names };
local list(v) = if std.isArray(v) then v else [v];

local fieldOverride(id) = {
  new(value): { matcher: { id: id, options: value } },
  withProperty(property, value): { properties+: [{ id: property, value: value }] },
};

local panel(type) = {
  new(title): { type: type, title: title, pluginVersion: 'v11.4.0', datasource: { type: 'datasource', uid: '-- Mixed --' } },
  panelOptions: setters([], ['description']),
  queryOptions: {
    withDatasource(type, uid): { datasource+: { type: type, uid: uid } },
    withTargets(v): { targets: list(v) },
    withTransformations(v): { transformations: list(v) },
  },
  standardOptions: setters(['fieldConfig', 'defaults'], ['unit', 'min', 'max', 'decimals', 'noValue']) + {
    withMappings(v): { fieldConfig+: { defaults+: { mappings: list(v) } } },
    withOverrides(v): { fieldConfig+: { overrides: list(v) } },
    thresholds: setters(['fieldConfig', 'defaults', 'thresholds'], ['mode']) + {
      withSteps(v): { fieldConfig+: { defaults+: { thresholds+: { steps: list(v) } } } },
    },
  },
  fieldOverride: { byName: fieldOverride('byName'), byRegexp: fieldOverride('byRegexp') },
};
local reduced = { reduceOptions: { withCalcs(v): { options+: { reduceOptions+: { calcs: list(v) } } } } };
local custom = ['fieldConfig', 'defaults', 'custom'];
local labelled = { generalOptions: setters([], ['label']) };

{
  dashboard: setters([], ['uid', 'description', 'editable', 'refresh', 'timezone']) + {
    new(title): { schemaVersion: 39, timezone: 'utc', time: { from: 'now-6h', to: 'now' }, title: title },
    withTags(v): { tags: list(v) },
    withLinks(v): { links: list(v) },
    withPanels(v): { panels: list(v) },
    withVariables(v): { templating+: { list: list(v) } },
    withAnnotations(v): { annotations+: { list: list(v) } },
    time: setters(['time'], ['from', 'to']),
    graphTooltip: { withSharedCrosshair(): { graphTooltip: 1 } },
    link: {
      dashboards: {
        new(title, tags): { type: 'dashboards', title: title, tags: tags },
        options: setters([], ['asDropdown', 'includeVars', 'keepTime']),
      },
    },
    variable: {
      datasource: labelled { new(name, type): { name: name, type: 'datasource', query: type } },
      custom: labelled {
        new(name, values): {
          name: name,
          type: 'custom',
          current: { selected: false, text: values[0], value: values[0] },
          options: [{ selected: v == values[0], text: v, value: v } for v in values],
          query: std.join(',', ['%s : %s' % [v, v] for v in values]),
        },
      },
      query: labelled {
        new(name): { name: name, type: 'query', query: '' },
        withDatasourceFromVariable(v): { datasource+: { type: v.query, uid: '${%s}' % v.name } },
        withSort(type): { sort: { alphabetical: 1 }[type] },
        queryTypes: { withLabelValues(label, metric): { query: 'label_values(%s, %s)' % [metric, label] } },
        refresh: { onTime(): { refresh: 2 } },
        selectionOptions: {
          withMulti(): { multi: true },
          withIncludeAll(v, all): { includeAll: v, allValue: all },
        },
      },
    },
  },
  query: {
    prometheus: setters([], ['legendFormat', 'refId', 'instant', 'range', 'format']) + {
      new(datasource, expr): { datasource+: { type: 'prometheus', uid: datasource }, expr: expr },
    },
  },
  panel: {
    row: { new(title): { type: 'row', title: title, collapsed: false, gridPos: { h: 1, w: 24, x: 0 } } },
    stat: panel('stat') + { options: setters(['options'], ['colorMode', 'graphMode']) + reduced },
    table: panel('table') + { options: { withSortBy(v): { options+: { sortBy: list(v) } } } },
    timeSeries: panel('timeseries') + {
      fieldConfig: {
        defaults: {
          custom: setters(custom, ['axisSoftMax', 'fillOpacity', 'showPoints']) + {
            stacking: setters(custom + ['stacking'], ['mode']),
            thresholdsStyle: setters(custom + ['thresholdsStyle'], ['mode']),
          },
        },
      },
      options: {
        legend: setters(['options', 'legend'], ['displayMode', 'placement', 'sortBy', 'sortDesc']) + { withCalcs(v): { options+: { legend+: { calcs: list(v) } } } },
        tooltip: setters(['options', 'tooltip'], ['mode', 'sort']),
      },
    },
    stateTimeline: panel('state-timeline') + {
      options: setters(['options'], ['showValue', 'mergeValues', 'rowHeight']) + { legend: setters(['options', 'legend'], ['displayMode', 'placement']) },
    },
    heatmap: panel('heatmap') + {
      options: setters(['options'], ['calculate']) + {
        color: setters(['options', 'color'], ['mode', 'scheme']),
        yAxis: setters(['options', 'yAxis'], ['unit']),
      },
    },
  },
}
