// A server among the others: the release that it should run, etcd, evidence, budgets. Only with `cluster.etcd`.
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

function(config)
  local sel = select.server;
  {
    release:: {
      title: 'Release of the server',
      description: 'refused, failed: what ran before goes on; `fourlane cluster why SERVER` has the reason. held: maintenance.',
      unit: 'short',
      legend: '{{server}}',
    } + panel.states('fourlane_cluster_release_state', sel, 'state', 'server', [
      ['waiting', 'waiting', 'blue'],
      ['prepared', 'prepared', 'green'],
      ['applying', 'applying', 'blue'],
      ['applied', 'applied', 'green'],
      ['held', 'held', 'orange'],
      ['refused', 'refused', 'red'],
      ['failed', 'failed', 'red'],
    ]),
    stale:: {
      title: 'Age of what is known of etcd',
      description: '0 while etcd is followed. Otherwise nothing changes, no release comes, and budgets grant only what each server may take out by itself.',
      unit: 's',
      min: 0,
      expr: 'max by (server) (fourlane_cluster_stale_seconds{%s})' % sel,
      legend: '{{server}}',
      steps: panel.rising(15, 300),
    },
    evidence:: {
      title: 'Bad real servers, and who else can tell',
      description: 'Real servers that each server tells the others are bad (0 while it doubts itself), and how many of the others can tell what they find.',
      unit: 'short',
      min: 0,
      expr: [
        ['max by (server) (fourlane_cluster_evidence_bad{%s})' % sel, '{{server}} bad'],
        ['max by (server) (fourlane_cluster_witnesses{%s})' % sel, '{{server}} others that can tell'],
      ],
    },
    budget:: {
      title: 'Budgets',
      description: 'What each server holds of a budget, and what it may not take out of service: that pages.',
      unit: 'short',
      min: 0,
      expr: [
        ['max by (server, budget) (fourlane_cluster_budget_held{%s})' % sel, '{{server}} {{budget}} held'],
        ['max by (server, budget) (fourlane_cluster_budget_denied{%s})' % sel, '{{server}} {{budget}} denied'],
      ],
    },
  }
