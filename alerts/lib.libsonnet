// One alert. Pages are built from its annotations: what is named, what it costs, the first command, where to look.
{
  // Prometheus' template for a value of a label, quoted for a query.
  local query(expr, labels) = '(printf `%s` %s)' % [expr, std.join(' ', ['$labels.' + l for l in labels])],

  // The values of `label` among the series that `expr` finds, at most `most`; `%%q` in expr are filled by `labels`.
  list(expr, labels, label, none, most=8):: |||
    {{ with query %s }}{{ range $i, $s := . }}{{ if lt $i %d }}{{ if $i }}, {{ end }}{{ .Labels.%s }}{{ end }}{{ if eq $i %d }} and more{{ end }}{{ end }}{{ else }}%s{{ end }}
  ||| % [query(expr, labels), most, label, most, none],

  // severity: critical (pages), warning (ticket), info (kept for the owner).
  // level and vars: the dashboard to open, and the labels that fill its variables.
  alert(config, name, severity, expr, summary, description, command, level, vars=['cluster', 'server'], impact=null, hold=null, keep=null, labels={}):: {
    alert: name,
    expr: std.stripChars(expr, '\n '),
    [if hold != null then 'for']: hold,
    [if keep != null then 'keep_firing_for']: keep,
    labels: { severity: severity } + labels,
    annotations: {
      summary: summary,
      description: std.stripChars(std.strReplace(description, '\n', ''), ' '),
      [if impact != null then 'impact']: std.stripChars(std.strReplace(impact, '\n', ''), ' '),
      command: std.stripChars(command, '\n '),
      dashboard_url: '%s/d/fourlane-%s?%s' % [config.grafanaUrl, level, std.join('&', ['var-%s={{ $labels.%s }}' % [v, v] for v in vars])],
      runbook_url: '%s/%s.md' % [config.runbookUrl, name],
    },
  },
}
