// Label matchers of each level, as the variables select.
local cluster = 'job=~"$job", cluster=~"$cluster"';
local server = cluster + ', server=~"$server"';
{
  cluster: cluster,
  server: server,
  service: server + ', service=~"$service"',
  nic: server + ', nic=~"$nic"',
  core: server + ', core=~"$core"',
  instance: server + ', vrrp_instance=~"$vrrp_instance"',
  // Without `job`: recording rules and alerts have none.
  recorded: { cluster: 'cluster=~"$cluster"', server: 'cluster=~"$cluster", server=~"$server"', service: 'cluster=~"$cluster", service=~"$service"' },
}
