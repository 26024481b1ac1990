import { type DestinationStream, pino, stdSerializers, stdTimeFunctions } from "pino";
import { standardError } from "./log-lines.ts";
import { redact } from "./redact.ts";

/** From the quietest to the most talkative. */
export const logLevels = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;

export type LogLevel = (typeof logLevels)[number];

type Log = (fields: object, message: string) => void;

/** One JSON line per call: fields first, then a constant sentence. Never texts of users among the fields. */
export interface Logger {
  readonly fatal: Log;
  readonly error: Log;
  readonly warn: Log;
  readonly info: Log;
  readonly debug: Log;
  readonly trace: Log;
  /** Whether a line of this level would be written, for fields that cost something to make. */
  isLevelEnabled(level: LogLevel): boolean;
  /** A logger that adds these fields to every line. */
  child(fields: Readonly<Record<string, string | number | boolean>>): Logger;
}

export interface LoggerOptions {
  /** Which process speaks, as `gateway`; the field `service` of every line. */
  readonly service: string;
  /** Default: `info`. */
  readonly level?: LogLevel;
  /** Where lines go. Default: standard error, written before the turn of the event loop is over; warnings and worse at once. */
  readonly destination?: DestinationStream;
}

/** Fields whose value is a secret whatever it looks like, at the top and one level down. */
const secretFields = ["authorization", "cookie", "apiKey", "apiKeys", "api_key", "password", "token", "secret"];
const censor = "[redacted]";

/** A logger of JSON lines in which secrets are replaced, both by field name and by what texts look like. */
export function createLogger({ service, level = "info", destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutNestedSecrets },
      serializers: { err: (error: unknown) => withoutSecrets(withoutSchemas(stdSerializers.err(error as Error))) },
      redact: { paths: secretFields, censor },
      // The line as written is the one place where every text, nested error and stack has come together.
      hooks: { streamWrite: redact },
    },
    destination ?? standardError(),
  );
}

/** One level down. pino's own way there costs a line of plain fields as much as all else of it. */
function withoutNestedSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  let result = fields;
  for (const name in fields) {
    // An error is made plain first, and looked at then.
    const shown = name === "err" ? fields[name] : withoutSecrets(fields[name]);
    if (shown !== fields[name]) result = { ...result, [name]: shown };
  }
  return result;
}

/** Details of an error of Connect hold, beside their values, the schemas of these, of which nobody learns anything: a kilobyte each. */
function withoutSchemas(error: unknown): unknown {
  const { details } = (error ?? {}) as { details?: unknown };
  if (!Array.isArray(details)) return error;
  const short = (details as ({ desc?: { typeName?: unknown }; value?: unknown } | null)[]).map((detail) =>
    detail?.desc === undefined ? detail : { type: detail.desc.typeName, value: detail.value },
  );
  return { ...(error as object), details: short };
}

function withoutSecrets(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const found = secretFields.filter((field) => Object.hasOwn(value, field));
  return found.length === 0 ? value : { ...value, ...Object.fromEntries(found.map((field) => [field, censor])) };
}
