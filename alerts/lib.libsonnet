// One alert. Pages are built from its annotations: what is named, what it costs, the first command, where to look.
{
  // Prometheus' template for a value of a label, quoted for a query.
  local query(expr, labels) = '(printf `%s` %s)' % [expr, std.join(' ', ['$labels.' + l for l in labels])],

  // A recording rule.
  rule(name, expr):: { record: name, expr: std.stripChars(expr, '\n ') },

  // The values of `label` among the series that `expr` finds, at most `most`; `%%q` in expr are filled by `labels`.
  list(expr, labels, label, none, most=8):: self.each(expr, labels, '{{ .Labels.%s }}' % label, none, most),

  // The same with a text for each: a template of a sample.
  each(expr, labels, text, none, most=8):: |||
    {{ with query %s }}{{ range $i, $s := . }}{{ if lt $i %d }}{{ if $i }}, {{ end }}%s{{ end }}{{ if eq $i %d }} and more{{ end }}{{ end }}{{ else }}%s{{ end }}
  ||| % [query(expr, labels), most, text, most, none],

  // a: { name, severity, expr, hold?, keep?, labels?, summary, description, impact?, command, level, vars }.
  // severity: critical (pages), warning (ticket), info (kept for the owner). hold, keep: how long it must hold, and goes on firing.
  // level and vars: the dashboard to open, and the labels that fill its variables.
  alert(config, a):: {
    local oneLine(text) = std.stripChars(std.strReplace(text, '\n', ''), ' '),
    alert: a.name,
    expr: std.stripChars(a.expr, '\n '),
    [if std.objectHas(a, 'hold') then 'for']: a.hold,
    [if std.objectHas(a, 'keep') then 'keep_firing_for']: a.keep,
    labels: { severity: a.severity } + std.get(a, 'labels', {}),
    annotations: {
      summary: a.summary,
      description: oneLine(a.description),
      [if std.objectHas(a, 'impact') then 'impact']: oneLine(a.impact),
      command: std.stripChars(a.command, '\n '),
      dashboard_url: '%s/d/fourlane-%s?%s' % [config.grafanaUrl, a.level, std.join('&', ['var-%s={{ $labels.%s }}' % [v, v] for v in a.vars])],
      runbook_url: '%s/%s.md' % [config.runbookUrl, a.name],
    },
  },
}
