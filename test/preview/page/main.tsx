/** The page: a dashboard with Grafana's components, on its grid of 24 columns. Reports what became of each panel. */
import 'uplot/dist/uPlot.min.css';
import type { DataFrame } from '@grafana/data';
import { GlobalStyles, PanelChrome, ThemeContext } from '@grafana/ui';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { applied } from './fields.ts';
import { Figure, isDrawn } from './figure.tsx';
import { framesOf } from './frames.ts';
import type { Panel, Report } from './model.ts';
import { preview, theme } from './settings.ts';
import { interpolate, resolveVariables, shown } from './variables.ts';

/** Grafana's grid: px per unit of height with its gap, and the gap. */
const UNIT = 38;
const GAP = 8;
const MARGIN = 12;
const column = (window.innerWidth - 2 * MARGIN) / 24;

window.previewReports = {};
function report(panel: Panel, state: Report['state'], why?: string): void {
  window.previewReports[panel.id] = { panel: panel.title, type: panel.type, state, ...(why === undefined ? {} : { why }) };
}

/** A component that throws is that panel's error, not the page's end. */
class Guard extends React.Component<React.PropsWithChildren<{ panel: Panel }>, { failed?: string }> {
  override state: { failed?: string } = {};
  static getDerivedStateFromError(error: unknown) {
    return { failed: String(error) };
  }
  override componentDidCatch(error: unknown) {
    report(this.props.panel, 'error', String(error));
  }
  override render() {
    return this.state.failed ?? this.props.children;
  }
}

function Content({ panel, data, width, height }: { panel: Panel; data: DataFrame[]; width: number; height: number }) {
  if (data.length === 0)
    return (
      <div style={{ textAlign: 'center', paddingTop: height / 2 - 12 }}>
        {panel.fieldConfig?.defaults['noValue'] ?? 'No data'}
      </div>
    );
  return (
    <Guard panel={panel}>
      <Figure {...{ panel, width, height, ...applied(panel, data) }} />
    </Guard>
  );
}

function Box({ panel }: { panel: Panel }) {
  const { x, y, w, h } = panel.gridPos;
  const [width, height] = [w * column - GAP, h * UNIT - GAP];
  const [data, setData] = React.useState<DataFrame[]>();
  const [failed, setFailed] = React.useState<string>();
  React.useEffect(() => {
    if (!isDrawn(panel.type)) return report(panel, 'unsupported');
    framesOf(panel, width).then(
      (frames) => {
        report(panel, frames.some((f) => f.length > 0) ? 'ok' : 'nodata');
        setData(frames);
      },
      (error: Error) => {
        report(panel, 'error', error.message);
        setFailed(error.message);
      },
    );
  }, []);
  return (
    <div style={{ position: 'absolute', left: x * column, top: y * UNIT, width, height }}>
      <PanelChrome
        title={interpolate(panel.title)}
        description={panel.description ?? ''}
        {...{ width, height, ...(failed ? { statusMessage: failed } : {}) }}
      >
        {(innerWidth: number, innerHeight: number) =>
          data === undefined ? <span>{failed}</span> : <Content {...{ panel, data }} width={innerWidth} height={innerHeight} />
        }
      </PanelChrome>
    </div>
  );
}

function Row({ panel }: { panel: Panel }) {
  const { y } = panel.gridPos;
  return (
    <div style={{ position: 'absolute', top: y * UNIT + 4, fontSize: 16, fontWeight: 500 }}>▾ {interpolate(panel.title)}</div>
  );
}

function App() {
  const { panels, title } = preview.dashboard;
  const bottom = Math.max(...panels.map((p) => p.gridPos.y + p.gridPos.h));
  const box = { border: `1px solid ${theme.colors.border.medium}`, padding: '3px 8px' };
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ padding: MARGIN }}>
        <h3 style={{ margin: 0 }}>
          {title} <small style={{ color: theme.colors.text.secondary }}>preview, drawn without Grafana</small>
        </h3>
        <div style={{ display: 'flex', gap: 12, margin: '8px 0' }}>
          {shown.map(({ label, value }) => (
            <span key={label} style={box}>
              <b>{label}</b> {value}
            </span>
          ))}
        </div>
        <div style={{ position: 'relative', height: bottom * UNIT }}>
          {panels.map((panel) =>
            panel.type === 'row' ? <Row key={panel.id} panel={panel} /> : <Box key={panel.id} panel={panel} />,
          )}
        </div>
      </div>
    </ThemeContext.Provider>
  );
}

document.body.style.background = theme.colors.background.canvas;
document.body.style.color = theme.colors.text.primary;
resolveVariables().then(
  () => createRoot(document.getElementById('root')!).render(<App />),
  (error: Error) => (window.previewFailed = error.message),
);
