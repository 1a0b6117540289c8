/** One line of the bench's table: smaller is better. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
}
