// BGP and BFD: are the sessions up, is what is planned announced, and nothing else?
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

function(config)
  local server = select.server;
  {
    sessions:: {
      title: 'BGP sessions',
      description: 'Whether each session is established and carries its family. Down with BFD up: the daemon or its configuration. Both down: the link or the router.',
      unit: 'short',
      expr: 'min by (server, nic, peer, family) (fourlane_bgp_session_up{%s})' % server,
      legend: '{{server}} {{nic}} {{peer}} {{family}}',
      mappings: panel.words('down', 'up'),
    },
    paths:: {
      title: 'Daemons and BFD',
      description: 'Whether the routing daemons answer, and the BFD sessions. BFD down under a session that is up: a failed path.',
      unit: 'short',
      expr: [
        ['min by (server, daemon) (fourlane_bgp_daemon_up{%s})' % server, '{{server}} {{daemon}}'],
        ['min by (server, nic, peer) (fourlane_bfd_session_up{%s})' % server, '{{server}} {{nic}} BFD {{peer}}'],
      ],
      mappings: panel.words('down', 'up'),
    },
    planned:: {
      title: 'Planned and not announced, announced and not planned',
      description: 'Missing: planned prefixes that a router does not get; their addresses are reached by a detour or not at all. Leaked: what a router gets beyond the plan.',
      unit: 'short',
      min: 0,
      expr: [
        ['sum by (server, nic, level) (fourlane_bgp_prefix_expected{%s}) - sum by (server, nic, level) (fourlane_bgp_prefix_announced{%s})' % [server, server], '{{server}} {{nic}} {{level}} missing'],
        ['sum by (server, nic, peer) (fourlane_bgp_unplanned_prefixes{%s})' % server, '{{server}} {{nic}} {{peer}} leaked'],
      ],
    },
    prefixes:: {
      title: 'Prefixes per session',
      description: 'Prefixes received and announced. Received falls to 0: the router lost its routes; announced rises: look for a leak.',
      unit: 'short',
      min: 0,
      expr: 'sum by (server, peer, family, direction) (fourlane_bgp_prefixes{%s})' % server,
      legend: '{{server}} {{peer}} {{family}} {{direction}}',
    },
    flaps:: {
      title: 'Sessions that ended',
      description: 'Times that sessions ended in the last interval. `fourlane_bgp_session_reset_info` has the reason for an hour.',
      unit: 'short',
      min: 0,
      expr: 'sum by (server, nic, peer) (increase(fourlane_bgp_session_flaps_total{%s}[$__rate_interval]))' % server,
      legend: '{{server}} {{nic}} {{peer}}',
    },
  }
