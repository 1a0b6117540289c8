// The alerts, a group per subject; where one would take too long, several.
function(config) {
  groups: std.flattenArrays([local found = groups(config); if std.isArray(found) then found else [found] for groups in [
    (import 'groups/nic.libsonnet'),
    (import 'groups/link.libsonnet'),
    (import 'groups/service.libsonnet'),
    (import 'groups/slo.libsonnet'),
    (import 'groups/capacity.libsonnet'),
    (import 'groups/core.libsonnet'),
    (import 'groups/logqueue.libsonnet'),
    (import 'groups/control.libsonnet'),
    (import 'groups/bgp.libsonnet'),
    (import 'groups/cluster.libsonnet'),
    (import 'groups/agent.libsonnet'),
  ]]),
}
