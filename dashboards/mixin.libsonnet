// The mixin: dashboards, rules and alerts of fourlane, by the conventions of monitoring.mixins.dev.
(import 'config.libsonnet') {
  local config = self._config,
  grafanaDashboards+:: {
    'agent.json': (import 'dashboards/agent.libsonnet')(config),
    'cluster.json': (import 'dashboards/cluster.libsonnet')(config),
    'control.json': (import 'dashboards/control.libsonnet')(config),
    'core.json': (import 'dashboards/core.libsonnet')(config),
    'logqueue.json': (import 'dashboards/logqueue.libsonnet')(config),
    'nic.json': (import 'dashboards/nic.libsonnet')(config),
    'server.json': (import 'dashboards/server.libsonnet')(config),
    'service.json': (import 'dashboards/service.libsonnet')(config),
  },
  prometheusAlerts+:: (import '../alerts/alerts.libsonnet')(config),
  prometheusRules+:: (import '../alerts/rules.libsonnet')(config),
}
