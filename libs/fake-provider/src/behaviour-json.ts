import type { FakeBehaviour } from "./behaviour.ts";
import { type FaultName, faults, isFaultName } from "./faults.ts";
import { namedErrors } from "./named-errors.ts";
import type { FakeError } from "./provider-errors.ts";
import type { Changes } from "./settings.ts";

/** What a user of the control endpoint wants changed. */
export interface WantedChange {
  readonly faults: readonly FaultName[];
  /** Only for the key with this label. */
  readonly key: string | undefined;
  /** Only for so many calls. */
  readonly next: number | undefined;
  readonly changes: Changes<FakeBehaviour>;
}

/** The change cannot be meant. The message says what to write instead. */
export class WrongChangeError extends Error {
  override readonly name = "WrongChangeError";
}

type Check = (value: unknown) => boolean;

const isMs: Check = (value) => isNumber(0, 3_600_000)(value);
const isNumber =
  (min: number, max: number, isWhole = false): Check =>
  (value) =>
    typeof value === "number" && value >= min && value <= max && (!isWhole || Number.isInteger(value));
const isCount = isNumber(1, 1_000_000_000, true);
const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isOneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isObjectOf =
  (fields: Readonly<Record<string, Check>>, ...required: readonly string[]): Check =>
  (value) =>
    isObject(value) &&
    required.every((name) => value[name] !== undefined) &&
    Object.entries(value).every(([name, each]) => fields[name]?.(each) ?? false);

/** Everything that can be said of a behaviour in JSON, with what it may be. */
const checks: Readonly<Record<keyof FakeBehaviour, readonly [Check, string]>> = {
  error: [(value) => errorOf(value) !== undefined, `one of ${Object.keys(namedErrors()).join(", ")}, or an object`],
  delayMs: [isMs, "milliseconds"],
  hang: [isFlag, "true or false"],
  html: [isFlag, "true or false"],
  headers: [(value) => isObject(value) && Object.values(value).every(isText), "an object of texts"],
  limit: [
    isObjectOf({
      requests: isCount,
      tokens: isCount,
      perMs: isMs,
      concurrent: isCount,
      whenBusy: isOneOf("refuse", "wait"),
      group: isText,
    }),
    "an object of requests, tokens, perMs, concurrent, whenBusy (refuse, wait) and group",
  ],
  organization: [isText, "a text"],
  contextTokens: [isCount, "a whole number"],
  answer: [(value) => isText(value) || (Array.isArray(value) && value.every(isText)), "a text or a list of pieces"],
  tokens: [isNumber(1, 1_000_000, true), "a whole number up to 1,000,000"],
  firstPieceMs: [isMs, "milliseconds"],
  pieceMs: [isMs, "milliseconds"],
  jitter: [isNumber(0, 1), "a share from 0 to 1"],
  finishReason: [isOneOf("stop", "length", "content_filter"), "stop, length or content_filter"],
  refusal: [isText, "a text"],
  cut: [
    isObjectOf(
      { afterPieces: isNumber(0, 1_000_000, true), by: isOneOf("end", "fin", "reset", "stall", "error", "garbage") },
      "afterPieces",
      "by",
    ),
    "an object of afterPieces and by (end, fin, reset, stall, error, garbage)",
  ],
  endless: [isFlag, "true or false"],
  usage: [
    (value) =>
      value === "none" ||
      isObjectOf(
        { inputTokens: isNumber(0, 1e9), outputTokens: isNumber(0, 1e9) },
        "inputTokens",
        "outputTokens",
      )(value),
    "none, or an object of inputTokens and outputTokens",
  ],
  lineEnd: [isOneOf("\n", "\r\n", "\r"), "a line end"],
  writeBytes: [isCount, "a whole number"],
  comments: [isFlag, "true or false"],
  lastBlankLine: [isFlag, "true or false"],
  invalidUtf8: [isFlag, "true or false"],
  dimensions: [isNumber(1, 16_384, true), "a whole number up to 16,384"],
  vectors: [
    isOneOf("right", "reordered", "fewer", "shorter", "not-finite"),
    "right, reordered, fewer, shorter or not-finite",
  ],
};

/**
 * Reads `{fault, key, next, ...behaviour}`; null sets a field of the behaviour back to its default.
 *
 * @throws {WrongChangeError}
 */
export function readChange(json: unknown): WantedChange {
  if (!isObject(json)) throw new WrongChangeError('Send a JSON object, such as {"fault": "a9"} or {"delayMs": 200}.');
  const { fault, key, next, ...behaviour } = json;
  if (key !== undefined && !isText(key)) throw new WrongChangeError("key is the label of a key.");
  if (next !== undefined && !isNumber(1, 10_000, true)(next)) {
    throw new WrongChangeError("next is a whole number of calls, up to 10,000.");
  }
  return {
    faults: readFaults(fault),
    key: key as string | undefined,
    next: next as number | undefined,
    changes: Object.fromEntries(Object.entries(behaviour).map(([name, value]) => [name, readField(name, value)])),
  };
}

function readFaults(value: unknown): readonly FaultName[] {
  const names = value === undefined ? [] : [value].flat().map((name) => String(name).toLowerCase());
  return names.map((name) => {
    if (isFaultName(name)) return name;
    throw new WrongChangeError(`There is no fault "${name}"; there are ${Object.keys(faults).join(", ")}.`);
  });
}

function readField(name: string, value: unknown): unknown {
  if (!Object.hasOwn(checks, name)) {
    throw new WrongChangeError(`There is no "${name}"; there are fault, key, next, ${Object.keys(checks).join(", ")}.`);
  }
  if (value === null) return undefined;
  const [isRight, kind] = checks[name as keyof FakeBehaviour];
  if (!isRight(value)) throw new WrongChangeError(`${name} is ${kind}; null sets it back to its default.`);
  return name === "error" ? errorOf(value) : value;
}

/** A name, a name with the time to wait, or an error as a whole. */
function errorOf(value: unknown): FakeError | undefined {
  if (typeof value === "string") return own(namedErrors(), value);
  if (!isObject(value)) return undefined;
  const { status, type, code = null, message, headers, retryAfterMs } = value;
  if (status === undefined)
    return isText(code)
      ? own(namedErrors(isMs(retryAfterMs) ? Number(retryAfterMs) : undefined), String(code))
      : undefined;
  if (!isNumber(400, 599, true)(status)) return undefined;
  return {
    status: Number(status),
    type: isText(type) ? String(type) : "server_error",
    code: isText(code) ? String(code) : null,
    message: isText(message) ? String(message) : "The server had an error while processing your request.",
    ...(isObject(headers) ? { headers: headers as Readonly<Record<string, string>> } : {}),
  };
}

const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;
