// Where panels stand: rows of a title, a height and panels with widths that fill 24 columns.
local g = import '../g.libsonnet';

// [{ title?, height, panels: [[width, panel]…] }…] as panels with ids and places.
function(rows)
  local place(state, row) =
    local header = if std.objectHas(row, 'title') then [
      g.panel.row.new(row.title) + { id: state.id, gridPos: { h: 1, w: 24, x: 0, y: state.y } },
    ] else [];
    local top = state.y + std.length(header);
    local widths = std.map(function(p) p[0], row.panels);
    assert std.foldl(function(a, b) a + b, widths, 0) == 24 : 'the widths of row "%s" are %s, together not 24' % [std.get(row, 'title', 'headline'), widths];
    local panels = std.mapWithIndex(
      function(i, p) p[1] {
        id: state.id + std.length(header) + i,
        gridPos: { h: row.height, w: p[0], x: std.foldl(function(a, b) a + b, widths[:i], 0), y: top },
      },
      row.panels
    );
    {
      id: state.id + std.length(header) + std.length(panels),
      y: top + row.height,
      panels: state.panels + header + panels,
    };
  std.foldl(place, rows, { id: 1, y: 0, panels: [] }).panels
