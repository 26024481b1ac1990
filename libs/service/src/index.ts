export { configurationTable } from "./config/configuration-table.ts";
export { ConfigError, parseEnv, parseTogether } from "./config/parse-env.ts";
export type { ConfigOf, Variables } from "./config/parse-env.ts";
export type { LabelledSecret } from "./config/numbered-secrets.ts";
export { quote } from "./config/reading.ts";
export type { Environment, Kind, Variable } from "./config/reading.ts";
export { Secret } from "./config/secret.ts";
export { formatBytes, formatDuration, parseDurationMs } from "./config/units.ts";
export { unknownVariables } from "./config/unknown-variables.ts";
export { variable } from "./config/variable.ts";

export { checkDatabaseUrl, checkUrlOfDatabase, databaseVariables } from "./inner-service/database-config.ts";
export { dataVariables } from "./inner-service/data-config.ts";
export { createExecutor, executorComponent, executorVariables } from "./inner-service/executor.ts";
export { watchFigures } from "./inner-service/figure-gauges.ts";
export { createInstanceReporter } from "./inner-service/instance-reporter.ts";
export type { InstanceReporter, InstanceReporterOptions } from "./inner-service/instance-reporter.ts";
export { hasProvider, providerVariables } from "./inner-service/provider-config.ts";
export {
  MAX_RELAY_MESSAGE_BYTES,
  MAX_RELAYED_REPLY_BYTES,
  relayedModels,
  relayVariables,
} from "./inner-service/relay-config.ts";
export { checkRedisUrl, redisVariables } from "./inner-service/redis-config.ts";
export { checkTls, hostVariables, serverVariables, tlsVariables } from "./inner-service/server-config.ts";
export type { ServerConfig, TlsConfig } from "./inner-service/server-config.ts";
export { createServiceApp, moduleComponent, readTlsFiles } from "./inner-service/service-app.ts";
export type { ServiceAppOptions, Telemetry } from "./inner-service/service-app.ts";
export type { Component } from "./lifecycle/component.ts";
export { composeComponents } from "./lifecycle/compose.ts";
export type { ProcessLog } from "./lifecycle/process-log.ts";
export { runMain } from "./lifecycle/run-main.ts";
export type { App, ProcessLike, RunMainOptions } from "./lifecycle/run-main.ts";
export { runTask } from "./lifecycle/run-task.ts";
export type { RunTaskOptions, TaskContext } from "./lifecycle/run-task.ts";
export { StartError, UsageError } from "./lifecycle/start-error.ts";
export { LimitExceededError } from "./lifecycle/within.ts";
export { version } from "./version.ts";
