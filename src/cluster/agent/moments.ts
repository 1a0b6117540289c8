/** Moments at which a test may end the process. */
export const MOMENTS = [
  'check',
  'fetched',
  'checked',
  'save',
  'saved',
  'apply',
  'applied',
  'restore',
  'report',
  'announce',
] as const;
export type Moment = (typeof MOMENTS)[number];
