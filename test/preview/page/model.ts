/** What the preview's page is given, and what it says about each panel. */

/** A dashboard's panel as it is in the JSON, as far as the preview reads it. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly transformations?: readonly { readonly id: string; readonly options: object }[];
  readonly fieldConfig?: FieldConfig;
  // Options differ by kind of panel; Grafana's components know them.
  readonly options?: Readonly<Record<string, any>>;
}

export interface Target {
  readonly expr: string;
  readonly refId: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly format?: string;
}

export interface FieldConfig {
  readonly defaults: Readonly<Record<string, any>>;
  readonly overrides?: readonly {
    readonly matcher: { readonly id: string; readonly options?: unknown };
    readonly properties: readonly { readonly id: string; readonly value?: any }[];
  }[];
}

export interface Variable {
  readonly name: string;
  readonly label?: string;
  readonly type: string;
  readonly query?: string;
  readonly current?: { readonly value?: string };
  readonly includeAll?: boolean;
  readonly allValue?: string;
  readonly multi?: boolean;
}

export interface Dashboard {
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

export interface Preview {
  readonly dashboard: Dashboard;
  /** Base URL of a Prometheus that this page may ask. */
  readonly prometheus: string;
  readonly theme: 'light' | 'dark';
  /** Unix times, s. */
  readonly from: number;
  readonly to: number;
  /** s between two scrapes. */
  readonly every: number;
}

/** nodata: the queries were answered, with nothing. */
export interface Report {
  readonly panel: string;
  readonly type: string;
  readonly state: 'ok' | 'nodata' | 'error' | 'unsupported';
  readonly why?: string;
}

declare global {
  interface Window {
    PREVIEW: Preview;
    /** One per panel that is done, by panel id. */
    previewReports: Record<number, Report>;
    previewFailed?: string;
  }
}
