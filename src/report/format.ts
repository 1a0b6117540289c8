/** Numbers and times in the shortest form a person reads at a glance. */

/** Seconds as `0.4 s`, `42 s`, `4 m 12 s`, `3 h 05 m`, `2 d 4 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${Math.floor(seconds * 10) / 10} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** A round trip: `85 µs`, `0.31 ms`, `12 ms`, `1.2 s`. */
export function formatRtt(seconds: number): string {
  if (seconds < 1e-4) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 9.995e-3) return `${(seconds * 1e3).toFixed(2)} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1e3)} ms`;
  return `${seconds.toFixed(1)} s`;
}

/** A share 0–1: `0 %`, `0.4 %`, `12 %`. */
export function formatShare(ratio: number): string {
  const percent = ratio * 100;
  return `${percent === 0 || percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** `20:13:55` of an ISO time (UTC). */
export function clock(iso: string): string {
  return iso.slice(11, 19);
}

/** `1 NIC`, `3 NICs`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
