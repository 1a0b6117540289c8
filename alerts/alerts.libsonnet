// The alerts, a group per subject.
function(config) {
  groups: [group(config) for group in [
    (import 'groups/nic.libsonnet'),
    (import 'groups/service.libsonnet'),
    (import 'groups/slo.libsonnet'),
    (import 'groups/capacity.libsonnet'),
    (import 'groups/agent.libsonnet'),
  ]],
}
