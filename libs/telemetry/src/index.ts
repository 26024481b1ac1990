export { createBreakerEvents } from "./breaker-events.ts";
export type { ToldBreakerEvents } from "./breaker-events.ts";
export { createLogger, logLevels } from "./logger.ts";
export type { Logger, LoggerOptions, LogLevel } from "./logger.ts";
export { createMetrics } from "./metrics.ts";
export type { Counter, Gauge, Histogram, Metrics, MetricsOptions } from "./metrics.ts";
export { metricNames } from "./metric-names.ts";
export type { MetricKind, MetricName } from "./metric-names.ts";
export { redact } from "./redact.ts";
