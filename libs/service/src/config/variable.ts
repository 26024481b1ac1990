import { numberedSecrets, readSecret } from "./numbered-secrets.ts";
import { define, notA, quote, wrong } from "./reading.ts";
import type { Kind, Presence, ValueOf, Variable } from "./reading.ts";
import type { Secret } from "./secret.ts";
import { formatBytes, formatDuration, parseBytes, parseDurationMs } from "./units.ts";

export interface Range<T = number> extends Presence<T> {
  readonly min?: T;
  readonly max?: T;
}

export interface TextOptions extends Presence<string> {
  /** What the value must match, and `expected` says so in words. */
  readonly pattern?: RegExp;
  readonly expected?: string;
}

export interface ListOptions extends Presence<readonly string[]> {
  /** The only entries allowed. Default: any. */
  readonly choices?: readonly string[];
  /** Default: 64. */
  readonly maxEntries?: number;
}

export interface UrlOptions extends Presence<string> {
  /** Default: `http:` and `https:`. */
  readonly schemes?: readonly string[];
}

function numeric(
  noun: string,
  { min = -Infinity, max = Infinity }: Range,
  parseNumber: (text: string) => number | undefined,
  { format = String, unit = "" }: { readonly format?: (value: number) => string; readonly unit?: string } = {},
): Kind<number> {
  const bounds = [
    ...(min > -Infinity ? [`${max < Infinity ? "from" : "of at least"} ${format(min)}`] : []),
    ...(max < Infinity ? [`${min > -Infinity ? "to" : "of at most"} ${format(max)}`] : []),
  ];
  const type = `${[noun, ...bounds].join(" ")}${unit && bounds.length > 0 ? "," : ""}${unit}`;
  return {
    type,
    format,
    parse: (text) => {
      const value = parseNumber(text);
      return value !== undefined && value >= min && value <= max ? { value } : notA(text, `a ${type}`);
    },
  };
}

const plainNumber = (text: string) => (/^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : undefined);
const wholeNumber = (text: string) => (/^-?\d{1,15}$/.test(text) ? Number(text) : undefined);

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  "1": true,
  yes: true,
  on: true,
  false: false,
  "0": false,
  no: false,
  off: false,
};

function text<const O extends TextOptions>(name: string, options: O): Variable<ValueOf<string, O>> {
  const { pattern, expected = "text" } = options;
  return define<string, O>(name, options, {
    type: expected,
    format: String,
    parse: (value) =>
      !pattern || pattern.test(value)
        ? { value }
        : wrong(`${quote(value)} is not allowed. Set it to ${expected}, or unset it.`),
  });
}

function integer<const O extends Range>(name: string, options: O): Variable<ValueOf<number, O>> {
  return define<number, O>(name, options, numeric("whole number", options, wholeNumber));
}

function number<const O extends Range>(name: string, options: O): Variable<ValueOf<number, O>> {
  return define<number, O>(name, options, numeric("number", options, plainNumber));
}

function duration<const O extends Range>(name: string, options: O): Variable<ValueOf<number, O>> {
  const spelling = { format: formatDuration, unit: " with its unit, as 500ms, 30s, 2m or 1h" };
  return define<number, O>(name, options, numeric("duration", options, parseDurationMs, spelling));
}

function bytes<const O extends Range>(name: string, options: O): Variable<ValueOf<number, O>> {
  const spelling = { format: formatBytes, unit: " with its unit, as 64KiB or 16MiB" };
  return define<number, O>(name, options, numeric("size", options, parseBytes, spelling));
}

function flag<const O extends Presence<boolean>>(name: string, options: O): Variable<ValueOf<boolean, O>> {
  return define<boolean, O>(name, options, {
    type: "true or false",
    format: String,
    parse: (value) => {
      const truth = Object.hasOwn(truths, value.toLowerCase()) ? truths[value.toLowerCase()] : undefined;
      return truth === undefined
        ? wrong(`${quote(value)} is neither true nor false. Set it to one, or unset it.`)
        : { value: truth };
    },
  });
}

function choice<const C extends readonly string[], const O extends Presence<NoInfer<C[number]>>>(
  name: string,
  choices: C,
  options: O,
): Variable<ValueOf<C[number], O>> {
  const type = `one of ${choices.join(", ")}`;
  return define<C[number], O>(name, options, {
    type,
    format: String,
    parse: (value) => (choices.includes(value) ? { value } : notA(value, type)),
  });
}

function url<const O extends UrlOptions>(name: string, options: O): Variable<ValueOf<string, O>> {
  const { schemes = ["http:", "https:"] } = options;
  const type = `URL starting with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}`;
  return define<string, O>(name, options, {
    type,
    format: String,
    parse: (value) => {
      const parsed = URL.parse(value);
      const fits = parsed !== null && schemes.includes(parsed.protocol) && parsed.hostname !== "";
      if (fits && parsed.username + parsed.password !== "") {
        return wrong(
          "holds a user or password. Take them out: it is no secret, and shown; keys have variables of their own.",
        );
      }
      return fits ? { value } : notA(value, `a ${type}`);
    },
  });
}

function list<const O extends ListOptions>(name: string, options: O): Variable<ValueOf<readonly string[], O>> {
  const { choices, maxEntries = 64 } = options;
  const among = choices ? ` out of ${choices.join(", ")}` : "";
  return define<readonly string[], O>(name, options, {
    type: `list with commas in between${among}`,
    format: (value) => (value.length > 0 ? value.join(",") : "none"),
    parse: (value) => {
      const entries = value
        .split(",")
        .map((entry) => entry.trim())
        .filter(Boolean);
      const unknown = choices ? entries.filter((entry) => !choices.includes(entry)) : [];
      const mistakes = unknown.map((entry) => `${quote(entry)} is not known. Choose${among}.`);
      if (entries.length > maxEntries) mistakes.push(`has ${entries.length} entries. Keep it to ${maxEntries}.`);
      return mistakes.length > 0 ? { mistakes } : { value: Object.freeze(entries) };
    },
  });
}

function secret<const O extends Presence<Secret>>(name: string, options: O): Variable<ValueOf<Secret, O>> {
  return define<Secret, O>(name, options, { type: "secret", format: String, parse: readSecret });
}

/** Read by the caller's own rules, for what no other kind fits. The default must be given as it would be read. */
function parsed<T, const O extends Presence<T>>(name: string, options: O, kind: Kind<T>): Variable<ValueOf<T, O>> {
  return define<T, O>(name, options, kind);
}

/** The kinds of variables. Durations are in milliseconds and sizes in bytes once read. */
export const variable = {
  text,
  integer,
  number,
  duration,
  bytes,
  flag,
  choice,
  url,
  list,
  secret,
  numberedSecrets,
  parsed,
} as const;
