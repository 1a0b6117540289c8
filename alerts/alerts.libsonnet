// The alerts, a group per subject.
function(config) {
  groups: [group(config) for group in [
    (import 'groups/nic.libsonnet'),
    (import 'groups/link.libsonnet'),
    (import 'groups/service.libsonnet'),
    (import 'groups/slo.libsonnet'),
    (import 'groups/capacity.libsonnet'),
    (import 'groups/core.libsonnet'),
    (import 'groups/logqueue.libsonnet'),
    (import 'groups/control.libsonnet'),
    (import 'groups/agent.libsonnet'),
  ]],
}
