// VRRP and control plane: who is master, does keepalived run, does the data plane's control answer?
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

function(config)
  local sel = select.instance;
  local server = select.server;
  local t = config.thresholds;
  {
    states:: {
      title: 'VRRP states',
      description: 'The state that holds for each instance on each server. One MASTER per instance in the cluster, never two, never none.',
      unit: 'short',
      legend: '{{vrrp_instance}} {{server}}',
    } + panel.states('fourlane_vrrp_state', sel, 'state', 'vrrp_instance, server', [
      ['init', 'INIT', 'yellow'],
      ['backup', 'BACKUP', 'blue'],
      ['master', 'MASTER', 'green'],
      ['fault', 'FAULT', 'red'],
      ['stop', 'stopped', 'orange'],
    ]),
    masters:: {
      title: 'Masters per instance',
      description: 'Servers that are MASTER of the instance. 0: its addresses are nowhere. 2: both answer, split brain.',
      unit: 'short',
      min: 0,
      expr: 'sum by (vrrp_instance) (fourlane_vrrp_state{%s, state="master"})' % sel,
      legend: '{{vrrp_instance}}',
      steps: [[null, 'red'], [1, 'green'], [2, 'red']],
    },
    transitions:: {
      title: 'Transitions',
      description: 'Changes of state in the last interval. More than %d in 10 minutes becomes a ticket.' % t.vrrpTransitions,
      unit: 'short',
      min: 0,
      expr: 'sum by (server, vrrp_instance, to) (increase(fourlane_vrrp_transitions_total{%s}[$__rate_interval]))' % sel,
      legend: '{{server}} {{vrrp_instance}} to {{to}}',
    },
    priorities:: {
      title: 'Priorities',
      description: 'Effective priority: configured, plus what tracks add or take. The highest should be master.',
      unit: 'short',
      expr: 'max by (server, vrrp_instance) (fourlane_vrrp_priority{%s, kind="effective"})' % sel,
      legend: '{{server}} {{vrrp_instance}}',
    },
    adverts:: {
      title: 'Adverts per second',
      description: 'Adverts sent and received. A backup that receives fewer than one per interval is about to become master.',
      unit: 'short',
      min: 0,
      expr: 'sum by (server, direction) (rate(fourlane_vrrp_adverts_total{%s}[$__rate_interval]))' % sel,
      legend: '{{server}} {{direction}}',
    },
    errors:: {
      title: 'Wrong adverts',
      description: 'Adverts that were refused, by what was wrong: another password, another address list, another interval on the peer.',
      unit: 'short',
      min: 0,
      expr: 'sum by (server, vrrp_instance, error) (increase(fourlane_vrrp_advert_errors_total{%s}[$__rate_interval]))' % sel,
      legend: '{{server}} {{vrrp_instance}} {{error}}',
    },
    addresses:: {
      title: 'Virtual addresses',
      description: 'Addresses per instance: configured, and those of them installed. They differ on a master: something removed them.',
      by: [['server', 'Server'], ['vrrp_instance', 'Instance']],
      sort: 'Faults',
      columns: [
        { title: 'Configured', unit: 'short', expr: 'sum by (server, vrrp_instance) (fourlane_vrrp_addresses{%s, state="configured"})' % sel },
        { title: 'Installed', unit: 'short', expr: 'sum by (server, vrrp_instance) (fourlane_vrrp_addresses{%s, state="installed"})' % sel },
        { title: 'Faults', unit: 'short', expr: 'max by (server, vrrp_instance) (fourlane_vrrp_faults{%s})' % sel, steps: panel.none },
      ],
    },
    processes:: {
      title: 'Processes and track scripts',
      description: 'Processes of keepalived, and its track scripts. A process down: see its log; addresses stay until the VRRP process ends. A script bad: instances lose priority.',
      unit: 'short',
      expr: [
        ['max by (server, process) (fourlane_keepalived_process_up{%s})' % server, '{{server}} {{process}}'],
        ['max by (server, script) (fourlane_vrrp_script_success{%s})' % server, '{{server}} script {{script}}'],
      ],
      mappings: panel.words('bad', 'good'),
    },
    reloads:: {
      title: 'Reloads and restarts',
      description: "Reloads of keepalived's configuration and restarts of its processes. Line them up with transitions.",
      unit: 'short',
      min: 0,
      expr: [
        ['sum by (server) (increase(fourlane_keepalived_reloads_total{%s}[$__rate_interval]))' % server, '{{server}} reloads'],
        ['sum by (server, process) (increase(fourlane_keepalived_process_restarts_total{%s}[$__rate_interval]))' % server, '{{server}} {{process}} restarts'],
      ],
    },
    dump:: {
      title: "Age of keepalived's data",
      description: 'Age of the dump that these panels come from. Old: keepalived does not write it; `fourlane doctor` says why.',
      unit: 's',
      min: 0,
      expr: 'max by (server) (fourlane_keepalived_dump_age_seconds{%s})' % server,
      legend: '{{server}}',
    },
    shadow:: {
      title: 'Agreement in shadow mode',
      description: 'Real servers that fourlane and keepalived both know, and those of them on which both want the same. Apart: `fourlane shadow report` names them.',
      unit: 'short',
      min: 0,
      expr: [
        ['sum by (server) (fourlane_shadow_compared_real_servers{%s})' % server, '{{server}} compared'],
        ['sum by (server) (fourlane_shadow_agreeing_real_servers{%s})' % server, '{{server}} agreeing'],
      ],
    },
    disagreement:: {
      title: 'Disagreement by reason',
      description: "Real servers on which they differ for more than 30 s: who has them out, and fourlane's verdict. OK: it knows nothing against them.",
      unit: 'short',
      min: 0,
      expr: 'sum by (server, out, verdict) (fourlane_shadow_differing_real_servers{%s})' % server,
      legend: '{{server}} out for {{out}}: {{verdict}}',
    },
    lead:: {
      title: 'Lead in shadow mode',
      description: 'How much earlier the first one was than the other that followed: the mean of the last interval with such a change.',
      unit: 's',
      min: 0,
      expr: 'sum by (server, first) (increase(fourlane_shadow_lead_seconds_sum{%(s)s}[$__rate_interval])) / sum by (server, first) (increase(fourlane_shadow_lead_seconds_count{%(s)s}[$__rate_interval]))' % { s: server },
      legend: '{{server}} {{first}} first',
    },
    alone:: {
      title: 'Changes in shadow mode',
      description: 'Real servers taken out or put in: by both, or by one of them alone, who took it back. Alone, often: one of them is wrong.',
      unit: 'short',
      min: 0,
      expr: 'sum by (server, first, end) (increase(fourlane_shadow_changes_total{%s}[$__rate_interval]))' % server,
      legend: '{{server}} {{first}} first, {{end}}',
    },
    control:: {
      title: 'Control queue of DPVS',
      description: 'Questions that a core did not answer in time, and errors answered. Precursors of wrong probes and of lost routes.',
      unit: 'ops',
      min: 0,
      expr: [
        ['sum by (server, source) (rate(fourlane_control_queue_dropped_total{%s}[$__rate_interval]))' % server, '{{server}} {{source}} not answered'],
        ['sum by (server, code) (rate(fourlane_dpvs_control_errors_total{%s}[$__rate_interval]))' % server, '{{server}} error {{code}}'],
      ],
    },
    sessions:: {
      title: 'Sessions: own and held for others',
      description: 'Sessions that a server has, and those that it holds for each of the others. Held falls while own stays: what is missing breaks at a fail-over.',
      unit: 'short',
      min: 0,
      expr: [
        ['sum by (server, origin) (fourlane_session_sync_sessions{%s})' % server, '{{server}} {{origin}}'],
        ['sum by (server, peer) (fourlane_session_sync_peer_sessions{%s})' % server, '{{server}} for {{peer}}'],
      ],
    },
    lost:: {
      title: 'Sessions lost on their way',
      description: 'Sessions dropped, by stage: queues (ring), memory, sockets, real servers unknown at the receiver (no_dest); and messages of a peer that never came.',
      unit: 'ops',
      min: 0,
      expr: [
        ['sum by (server, stage) (rate(fourlane_session_sync_dropped_total{%s}[$__rate_interval]))' % server, '{{server}} {{stage}}'],
        ['sum by (server, peer) (rate(fourlane_session_sync_lost_messages_total{%s}[$__rate_interval]))' % server, '{{server}} messages of {{peer}}'],
        ['sum by (server, role) (rate(fourlane_ipvs_sync_dropped_total{%s}[$__rate_interval]))' % server, '{{server}} LVS {{role}}'],
      ],
    },
    peers:: {
      title: 'Peers of synchronisation',
      description: 'Whether each peer is up, and whether it has the same configuration; without that, its sessions cannot all be taken over.',
      unit: 'short',
      expr: [
        ['max by (server, peer) (fourlane_session_sync_peer_state{%s, state="up"})' % server, '{{server}} {{peer}} up'],
        ['min by (server, peer) (fourlane_session_sync_config_matches{%s})' % server, '{{server}} {{peer}} same configuration'],
      ],
      mappings: panel.words('no', 'yes'),
    },
    behind:: {
      title: 'Lag and full synchronisation',
      description: 'How far what is held for a peer is behind, the oldest entry that waits to be sent, and the age of the last word of a peer.',
      unit: 's',
      min: 0,
      expr: [
        ['max by (server, peer) (fourlane_session_sync_lag_seconds{%s})' % server, '{{server}} behind {{peer}}'],
        ['max by (server) (fourlane_session_sync_oldest_seconds{%s})' % server, '{{server}} oldest waiting'],
        ['time() - max by (server, peer) (fourlane_session_sync_last_received_timestamp_seconds{%s})' % server, '{{server}} last word of {{peer}}'],
      ],
    },
    full:: {
      title: 'Full synchronisation',
      description: 'Share of the sessions of a peer that the last full synchronisation has handed over. Stands below 1: it hangs, or lost some.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'min by (server, peer) (fourlane_session_sync_full_progress_ratio{%s})' % server,
      legend: '{{server}} of {{peer}}',
    },
    queues:: {
      title: 'Queues of synchronisation',
      description: 'Filled share of the queues between cores and the network. Full: what comes next is dropped.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'max by (server, direction) (fourlane_session_sync_queue_depth{%s} / fourlane_session_sync_queue_capacity{%s})' % [server, server],
      legend: '{{server}} {{direction}}',
    },
    sync:: {
      title: 'Connection synchronisation of kernel LVS',
      description: 'Whether the synchronisation daemons run. Off on a backup: connections break at failover.',
      unit: 'short',
      expr: 'max by (server, role, interface) (fourlane_ipvs_sync_daemon_running{%s})' % server,
      legend: '{{server}} {{role}} {{interface}}',
      mappings: panel.words('off', 'runs', 'orange', 'green'),
    },
  }
