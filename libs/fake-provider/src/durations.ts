/**
 * A duration as the provider words it in `x-ratelimit-reset-*`, which is how Go prints them: `12ms`, `1s`, `7.66s`, `6m0s`, `1h0m0s`.
 *
 * @param ms milliseconds; parts of one are rounded up, so that nobody returns too early
 */
export function wordDuration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole < 1_000) return `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor((whole % 3_600_000) / 60_000);
  const seconds = (whole % 60_000) / 1_000;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
