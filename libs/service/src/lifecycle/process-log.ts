/** The four methods of a pino logger that the life of a process needs. */
export interface ProcessLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
}

/** Causes and parts of an error are followed this deep: an error may be its own cause. */
const MAX_DEPTH = 4;

/** JSON lines for the time before an app has its own logger, in the shape that pino writes. */
export function createProcessLog(stream: { write(text: string): unknown }): ProcessLog {
  const write = (level: number) => (fields: object, msg: string) => {
    const shown = Object.entries(fields).map(([name, value]) => [name, describe(value, 0)]);
    stream.write(`${JSON.stringify({ level, time: Date.now(), ...Object.fromEntries(shown), msg })}\n`);
  };
  return { info: write(30), warn: write(40), error: write(50), fatal: write(60) };
}

/** Only what an error says; its other properties may hold a request, and a request holds keys. */
function describe(value: unknown, depth: number): unknown {
  if (!(value instanceof Error)) return typeof value === "number" ? value : String(value);
  const { name: type, message, stack, cause } = value;
  const deeper = depth < MAX_DEPTH;
  return {
    type,
    message,
    stack,
    ...(deeper && cause !== undefined ? { cause: describe(cause, depth + 1) } : {}),
    ...(deeper && value instanceof AggregateError ? { errors: value.errors.map((e) => describe(e, depth + 1)) } : {}),
  };
}
