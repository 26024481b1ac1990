/** What is kept of a caller's time, in milliseconds, so that what is whole by then, or why nothing is, still reaches it. */
export const keptMs = (timeoutMs: number): number => Math.min(100, timeoutMs * 0.02);
