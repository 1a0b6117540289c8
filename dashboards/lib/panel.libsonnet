// Panels as fourlane draws them: every one with description, unit and data source; thresholds in the colours of the alerts.
local g = import '../g.libsonnet';
local prometheus = g.query.prometheus;

local DATASOURCE = '${datasource}';

// Steps from [[from, colour]…]; the first `from` is null.
local steps(list) = [{ value: s[0], color: s[1] } for s in list];
local target(expr, legend, ref) =
  prometheus.new(DATASOURCE, expr) + prometheus.withLegendFormat(legend) + prometheus.withRefId(ref);
local instant = prometheus.withInstant(true) + prometheus.withRange(false);
local letter(i) = std.char(std.codepoint('A') + i);
// What the axis reaches at least, so that a line of zeros does not stand on an axis up to 100.
local SOFT_MAX = { short: 1, cps: 1, pps: 1, ops: 1, hertz: 1, percentunit: 0.01 };
// An empty cell of a table has no colour: nothing is known there.
local EMPTY = { type: 'special', options: { match: 'null+nan', result: { text: '–', color: 'transparent', index: 9 } } };

// What all kinds have. `kind` is grafonnet's panel of that kind.
local common(kind, s) =
  kind.new(s.title)
  + kind.panelOptions.withDescription(s.description)
  + kind.queryOptions.withDatasource('prometheus', DATASOURCE)
  + kind.standardOptions.withUnit(s.unit)
  + (if std.objectHas(s, 'min') then kind.standardOptions.withMin(s.min) else {})
  + (if std.objectHas(s, 'max') then kind.standardOptions.withMax(s.max) else {})
  + (if std.objectHas(s, 'decimals') then kind.standardOptions.withDecimals(s.decimals) else {})
  + (if std.objectHas(s, 'mappings') then kind.standardOptions.withMappings(s.mappings) else {})
  + (if std.objectHas(s, 'steps') then kind.standardOptions.thresholds.withMode('absolute') + kind.standardOptions.thresholds.withSteps(steps(s.steps)) else {});

// expr as one text, or [[expr, legend]…].
local targets(s) =
  local list = if std.isArray(s.expr) then s.expr else [[s.expr, std.get(s, 'legend', '')]];
  std.mapWithIndex(function(i, e) target(e[0], e[1], letter(i)), list);

{
  // Where good ends: green below `warn`, then orange, then red; or the other way round.
  rising(warn, bad):: [[null, 'green'], [warn, 'orange'], [bad, 'red']],
  falling(bad, good):: [[null, 'red'], [bad, 'orange'], [good, 'green']],
  // A count of bad things.
  none:: [[null, 'green'], [1, 'red']],

  // One number of now.
  stat(s)::
    local kind = g.panel.stat;
    common(kind, s)
    + kind.queryOptions.withTargets([t + instant for t in targets(s)])
    + kind.standardOptions.withNoValue('–')
    + kind.options.withColorMode(if std.objectHas(s, 'steps') then 'background' else 'none')
    + kind.options.withGraphMode('none')
    + kind.options.reduceOptions.withCalcs(['lastNotNull']),

  // Lines over time.
  series(s)::
    local kind = g.panel.timeSeries;
    local custom = kind.fieldConfig.defaults.custom;
    local low = std.get(s, 'low', false);
    common(kind, s)
    + kind.queryOptions.withTargets(targets(s))
    // Areas where they add up or have two sides; elsewhere they would only cover each other.
    + custom.withFillOpacity(if std.get(s, 'stack', false) then 25 else if std.objectHas(s, 'mirrored') then 10 else 0)
    + custom.withShowPoints('never')
    + (if std.objectHas(SOFT_MAX, s.unit) && !std.objectHas(s, 'max') then custom.withAxisSoftMax(SOFT_MAX[s.unit]) else {})
    + (if std.get(s, 'stack', false) then custom.stacking.withMode('normal') else {})
    + (if std.objectHas(s, 'steps') then custom.thresholdsStyle.withMode('line') else {})
    + kind.options.legend.withDisplayMode('table')
    + kind.options.legend.withPlacement('bottom')
    // The worst on top: it is the lowest where `low` says so.
    + kind.options.legend.withCalcs(['lastNotNull', if low then 'min' else 'max'])
    + kind.options.legend.withSortBy(if low then 'Min' else 'Max')
    + kind.options.legend.withSortDesc(!low)
    + kind.options.tooltip.withMode('multi')
    + kind.options.tooltip.withSort('desc')
    + (if std.objectHas(s, 'mirrored') then kind.standardOptions.withOverrides([
         kind.fieldOverride.byRegexp.new(s.mirrored) + kind.fieldOverride.byRegexp.withProperty('custom.transform', 'negative-Y'),
       ]) else {})
    + (if std.objectHas(s, 'colours') then kind.standardOptions.withOverrides([
         kind.fieldOverride.byName.new(name) + kind.fieldOverride.byName.withProperty('color', { mode: 'fixed', fixedColor: s.colours[name] })
         for name in std.objectFields(s.colours)
       ]) else {}),

  // States over time, one row each; values are mapped to words by `mappings`.
  timeline(s)::
    local kind = g.panel.stateTimeline;
    common(kind, s)
    + kind.queryOptions.withTargets(targets(s))
    + kind.options.withShowValue('auto')
    + kind.options.withMergeValues(true)
    + kind.options.withRowHeight(0.8)
    + kind.options.legend.withDisplayMode('list')
    + kind.options.legend.withPlacement('bottom'),

  // Buckets of a Prometheus histogram over time.
  heatmap(s)::
    local kind = g.panel.heatmap;
    common(kind, s)
    + kind.queryOptions.withTargets([t + prometheus.withFormat('heatmap') for t in targets(s)])
    + kind.options.withCalculate(false)
    + kind.options.color.withMode('scheme')
    + kind.options.color.withScheme('Oranges')
    + kind.options.yAxis.withUnit(s.unit),

  // One row per child: columns [{ title, expr, unit, steps?, mappings?, decimals? }] are joined by the labels of `by`: [[label, heading, link?]…].
  // `sort` is the heading of the column to sort by, the worst first. `facts`: the labels say it all, the column of values is left out.
  // `none`: what an empty table says. A label's words for its values: [label, heading, link or null, mappings].
  table(s)::
    local kind = g.panel.table;
    local override = kind.fieldOverride.byName;
    local order = std.map(function(b) b[0], s.by) + std.mapWithIndex(function(i, c) 'Value #' + letter(i), s.columns);
    common(kind, s { unit: 'short' })
    + kind.queryOptions.withTargets(std.mapWithIndex(
      function(i, c) target(c.expr, '', letter(i)) + instant + prometheus.withFormat('table'), s.columns
    ))
    + kind.queryOptions.withTransformations([
      { id: 'merge', options: {} },
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true } + (if std.get(s, 'facts', false) then { 'Value #A': true } else {}),
          indexByName: { [order[i]]: i for i in std.range(0, std.length(order) - 1) },
          renameByName: { [b[0]]: b[1] for b in s.by } + { ['Value #' + letter(i)]: s.columns[i].title for i in std.range(0, std.length(s.columns) - 1) },
        },
      },
    ])
    + kind.standardOptions.withNoValue(std.get(s, 'none', 'No data'))
    + kind.options.withSortBy([{ displayName: s.sort, desc: std.get(s, 'desc', true) }])
    + kind.standardOptions.withOverrides([
      override.new(c.title)
      + override.withProperty('unit', c.unit)
      + (if std.objectHas(c, 'decimals') then override.withProperty('decimals', c.decimals) else {})
      + override.withProperty('mappings', std.get(c, 'mappings', []) + [EMPTY])
      + (if std.objectHas(c, 'steps') then
           override.withProperty('custom.cellOptions', { type: 'color-background', mode: 'basic' })
           + override.withProperty('thresholds', { mode: 'absolute', steps: steps(c.steps) })
         else {})
      for c in s.columns
    ] + [
      override.new(b[1]) + override.withProperty('links', [{ title: 'Open ' + b[1], url: b[2] }])
      for b in s.by
      if std.length(b) > 2 && b[2] != null
    ] + [
      override.new(b[1])
      + override.withProperty('mappings', b[3])
      + override.withProperty('custom.cellOptions', { type: 'color-background', mode: 'basic' })
      for b in s.by
      if std.length(b) > 3
    ]),

  // A state that a metric tells with one 0/1 series per state, as one line of words: [[state, text, colour]…], the one of an unknown first.
  // @returns { expr, mappings } for a timeline.
  states(metric, matchers, label, by, list):: {
    local term(i) = '%d * %s{%s, %s="%s"}' % [i, metric, matchers, label, list[i][0]],
    expr: 'max by (%s) (%s)' % [by, std.join(' or ', [term(i) for i in std.range(0, std.length(list) - 1)])],
    mappings: [{ type: 'value', options: { [std.toString(i)]: { text: list[i][1], color: list[i][2], index: i } for i in std.range(0, std.length(list) - 1) } }],
  },

  // Words for the values of a label: { value: colour }.
  coloured(colours):: [
    { type: 'value', options: { [v]: { text: v, color: colours[v] } for v in std.objectFields(colours) } },
  ],

  // Words for 0 and 1.
  words(no, yes, noColour='red', yesColour='green'):: [
    { type: 'value', options: { '0': { text: no, color: noColour, index: 0 }, '1': { text: yes, color: yesColour, index: 1 } } },
  ],
}
