/** One family in an exposition text. */

/** Sum of the series of a family whose labels contain all of `labels`; undefined when there is none. */
export function metricOf(text: string, name: string, ...labels: string[]): number | undefined {
  let sum: number | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !(line[name.length] === '{' || line[name.length] === ' ')) continue;
    if (labels.every((label) => line.includes(label))) sum = (sum ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}
