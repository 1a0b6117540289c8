// A dashboard: fixed uid, the variables down to its level, links to its siblings that keep variables and time.
local g = import '../g.libsonnet';
local layout = import 'layout.libsonnet';
local variable = g.dashboard.variable;

local TAG = 'fourlane';
local datasource = variable.datasource.new('datasource', 'prometheus') + variable.datasource.generalOptions.withLabel('Data source');

// A variable that takes the values of a label of a metric.
local labelOf(name, label, metric, multi) =
  variable.query.new(name)
  + variable.query.withDatasourceFromVariable(datasource)
  + variable.query.queryTypes.withLabelValues(name, metric)
  + variable.query.generalOptions.withLabel(label)
  + variable.query.refresh.onTime()
  + variable.query.withSort(type='alphabetical')
  + (if multi then variable.query.selectionOptions.withMulti() + variable.query.selectionOptions.withIncludeAll(true, '.+') else {});

// In the order of the levels: each narrows those after it.
local VARIABLES = {
  job: labelOf('job', 'Job', 'fourlane_build_info', true),
  cluster: labelOf('cluster', 'Cluster', 'fourlane_build_info{job=~"$job"}', false),
  server: labelOf('server', 'Server', 'fourlane_build_info{job=~"$job", cluster=~"$cluster"}', true),
  service: labelOf('service', 'Service', 'fourlane_service_up{job=~"$job", cluster=~"$cluster", server=~"$server"}', true),
  nic: labelOf('nic', 'NIC', 'fourlane_nic_up{job=~"$job", cluster=~"$cluster", server=~"$server"}', true),
  core: labelOf('core', 'Core', 'fourlane_core_loops_total{job=~"$job", cluster=~"$cluster", server=~"$server"}', true),
  vrrp_instance: labelOf('vrrp_instance', 'VRRP instance', 'fourlane_vrrp_state{job=~"$job", cluster=~"$cluster", server=~"$server"}', true),
  k: variable.custom.new('k', ['5', '10', '20', '50']) + variable.custom.generalOptions.withLabel('Show top'),
};

// What changed: shown as marks in every time panel.
local annotation(name, colour, expr, title) = {
  name: name,
  enable: true,
  iconColor: colour,
  datasource: { type: 'prometheus', uid: '${datasource}' },
  expr: expr,
  titleFormat: title,
  step: '30s',
};
local selection = 'job=~"$job", cluster=~"$cluster"';

{
  // s: { uid, title, description, vars: [names], rows: […] }
  new(s)::
    g.dashboard.new('fourlane / ' + s.title)
    + g.dashboard.withUid('fourlane-' + s.uid)
    + g.dashboard.withDescription(s.description)
    + g.dashboard.withTags([TAG])
    + g.dashboard.withEditable(false)
    + g.dashboard.withRefresh('30s')
    + g.dashboard.withTimezone('browser')
    + g.dashboard.time.withFrom('now-1h')
    + g.dashboard.time.withTo('now')
    + g.dashboard.graphTooltip.withSharedCrosshair()
    + g.dashboard.withVariables([datasource] + [VARIABLES[v] for v in s.vars])
    + g.dashboard.withAnnotations([
      annotation('Verdicts', 'red', 'sum by (server, subject, verdict) (changes(fourlane_verdict_changes_total{%s}[1m])) > 0' % selection, '{{server}}: {{subject}} {{verdict}}'),
      annotation('Config loaded', 'blue', 'changes(fourlane_config_last_reload_timestamp_seconds{%s}[1m]) > 0' % selection, '{{server}}: config loaded'),
    ])
    + g.dashboard.withLinks([
      g.dashboard.link.dashboards.new('fourlane', [TAG])
      + g.dashboard.link.dashboards.options.withAsDropdown(true)
      + g.dashboard.link.dashboards.options.withIncludeVars(true)
      + g.dashboard.link.dashboards.options.withKeepTime(true),
    ])
    + g.dashboard.withPanels(layout(s.rows)),

  // A link down: the variables of this level stay, `vars` [[variable, field]…] come from the row that is clicked.
  drill(uid, keep, vars):: '/d/fourlane-%s?%s&${__url_time_range}' % [
    uid,
    std.join('&', ['${%s:queryparam}' % v for v in ['datasource'] + keep] + ['var-%s=${__data.fields["%s"]}' % [v, v] for v in vars]),
  ],
}
