// Burn of the error budget, by the pairs of windows of the SRE workbook. Sources: rules.libsonnet.
local lib = import '../lib.libsonnet';

function(config)
  local budget = 1 - config.slo.objective;
  local burn(name, severity, factor, long, short, hold, summary) = lib.alert(config, {
    name: name,
    severity: severity,
    expr: |||
      cluster_service:fourlane_unavailable:ratio_%(long)s > %(limit)g
      and cluster_service:fourlane_unavailable:ratio_%(short)s > %(limit)g
    ||| % { long: long, short: short, limit: factor * budget },
    hold: hold,
    summary: summary,
    description: 'Service {{ $labels.service }} in cluster {{ $labels.cluster }} was down on {{ $value | humanizePercentage }} of server time in the last %s: %gx the pace that uses up the error budget of %g %% in %d days. Down now on: ' % [long, factor, budget * 100, config.slo.days]
                 + lib.list('fourlane_service_up{cluster=%q, service=%q} == 0', ['cluster', 'service'], 'server', 'no server') + '.',
    command: 'fourlane status',
    level: 'service',
    vars: ['cluster', 'service'],
  });
  {
    name: 'fourlane-slo',
    rules: [
      burn('FourlaneBudgetBurnFast', 'critical', 14.4, '1h', '5m', '2m', 'The error budget of a service burns at a rate that pages.'),
      burn('FourlaneBudgetBurnSlow', 'critical', 6, '6h', '30m', '15m', 'The error budget of a service burns steadily.'),
      burn('FourlaneBudgetDrip', 'warning', 1, '3d', '6h', '1h', 'The error budget of a service will be used up before its time.'),
    ],
  }
