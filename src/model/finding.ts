/** What was found of a real server and people should see; unlike a verdict it is no evidence for anything, and never acts. */
export interface FindingReport {
  /** `ADDRESS_LOST` and others. */
  readonly finding: string;
  readonly service: string;
  /** `HOST:PORT`; '' = any real server of the service. */
  readonly realServer: string;
  /** What was seen, in words. */
  readonly found: string;
  /** Unix ms. */
  readonly since: number;
}
