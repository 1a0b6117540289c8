/** What commands printed, as it is compared: two runs of them differ in times, in who was faster, and in numbers of processes. */

const VARIES: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME'],
  [/\b(?:pid \d+|revision [\da-f]+|config [\da-f]{8}\b)/g, 'ID'],
  [/(?:fourlane|keepalived) first once, by [\d.]+ m?s in the median|within the same second once/g, 'FIRST'],
  [/\b\d+(?:\.\d+)? (?:ms|µs|s)(?!\w)/g, 'SPAN'],
  // Without a result yet.
  [/ (?:-|0 %)$/gm, ' LOSS'],
  // Columns are as wide as what stands in them.
  [/ +$/gm, ''],
  [/ {2,}/g, '  '],
];

/** Commands with what they printed, in their order. */
export function commandsIn(text: string): readonly string[] {
  return text
    .split(/^(?=\$ )/m)
    .filter((part) => part.startsWith('$ '))
    .map((part) => part.trimEnd());
}

/** Without what is different in each run. */
export function normalised(text: string): string {
  return VARIES.reduce((kept, [what, name]) => kept.replaceAll(what, name), text);
}
