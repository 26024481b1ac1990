import { Secret } from "./secret.ts";
import { formatBytes, formatDuration, parseBytes, parseDurationMs } from "./units.ts";

/** What a process was started with; `process.env` has this shape. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Either the value read, or what is wrong with it: one line each, starting with the name of the variable. */
export type Reading<T> = { readonly value: T } | { readonly mistakes: readonly string[] };

/** One row of the configuration table: how a variable is read, checked and documented. */
export interface Variable<T> {
  readonly name: string;
  /** The name as the README shows it, in Markdown. */
  readonly spelling: string;
  /** What may be written, in words: `whole number from 0 to 65535`. */
  readonly type: string;
  /** What holds when it is not set, as a reader would write it: a value, `required` or `not set`. */
  readonly fallback: string;
  /** What it decides, in one sentence. */
  readonly doc: string;
  /** Whether this row reads the given name of the environment. */
  owns(name: string): boolean;
  read(environment: Environment): Reading<T>;
}

/** `doc` is one sentence. Without `default` and `optional`, the variable is required. */
export interface Presence<T> {
  readonly doc: string;
  readonly default?: T;
  readonly optional?: boolean;
}

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

/** A key and the label under which it may be shown. */
export interface LabelledSecret {
  readonly label: string;
  readonly secret: Secret;
}

export interface NumberedSecretsOptions {
  readonly doc: string;
  /** Default: 64. */
  readonly maxEntries?: number;
}

/** With `optional: true` the value may be undefined. */
export type ValueOf<T, O> = O extends { readonly optional: true } ? T | undefined : T;

interface Kind<T> {
  readonly type: string;
  parse(text: string): Reading<T>;
  format(value: T): string;
}

const wrong = (...mistakes: readonly string[]): Reading<never> => ({ mistakes });

const notA = (text: string, what: string): Reading<never> =>
  wrong(`${quote(text)} is not ${what}. Set it to one, or unset it.`);

const named = <T>(name: string, reading: Reading<T>): Reading<T> =>
  "value" in reading ? reading : { mistakes: reading.mistakes.map((mistake) => `${name}: ${mistake}`) };

/** A value as it may stand in a message: short, on one line, and never with what may be a password. */
export function quote(text: string): string {
  if (text.includes("@")) return "the value";
  const line = text.replace(/\p{Cc}+/gu, " ");
  return `"${line.length > 60 ? `${line.slice(0, 60)}...` : line}"`;
}

function define<T, O extends Presence<T>>(name: string, options: O, kind: Kind<T>): Variable<ValueOf<T, O>> {
  const absent = options.default;
  const fallback = absent === undefined ? (options.optional ? "not set" : "required") : kind.format(absent);
  const read = (environment: Environment): Reading<T | undefined> => {
    const text = environment[name]?.trim();
    // An empty value counts as not set: compose files and shells write unset variables so.
    if (text) return named(name, kind.parse(text));
    if (absent !== undefined || options.optional) return { value: absent };
    return named(name, wrong(`is not set, and is required: ${kind.type}.`));
  };
  return {
    name,
    spelling: `\`${name}\``,
    type: kind.type,
    fallback,
    doc: options.doc,
    owns: (candidate) => candidate === name,
    read: read as (environment: Environment) => Reading<ValueOf<T, O>>,
  };
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

/** A pasted key with a break or a space in it fails at the provider with an error that leads elsewhere. */
const readSecret = (value: string): Reading<Secret> =>
  /^[\x21-\x7e]+$/.test(value)
    ? { value: new Secret(value) }
    : wrong("has a space, a line break or a letter outside ASCII in it. Copy the secret again.");

function secret<const O extends Presence<Secret>>(name: string, options: O): Variable<ValueOf<Secret, O>> {
  return define<Secret, O>(name, options, { type: "secret", format: String, parse: readSecret });
}

/**
 * `NAME_1` ... `NAME_N` by their numbers, and `NAME` as the first or, where another `NAME_1` is set as well, as one more.
 * Equal values count once. The labels are `key-1` ... `key-N`, and `key-0` for that one more.
 */
function numberedSecrets(name: string, options: NumberedSecretsOptions): Variable<readonly LabelledSecret[]> {
  const { maxEntries = 64 } = options;
  const numbered = new RegExp(`^${name}_([1-9][0-9]{0,5})$`);
  const read = (environment: Environment): Reading<readonly LabelledSecret[]> => {
    const set = Object.entries(environment).flatMap(([variableName, text]) => {
      const value = text?.trim();
      const digits = variableName === name ? "0" : numbered.exec(variableName)?.[1];
      return value && digits !== undefined ? [{ variableName, value, number: Number(digits) }] : [];
    });
    const numberedFirst = set.sort((left, right) => (left.number || Infinity) - (right.number || Infinity));
    const free = numberedFirst[0]?.number === 1 ? 0 : 1;
    const mistakes: string[] = [];
    const unique = new Map<string, LabelledSecret>();
    for (const { variableName, value, number } of numberedFirst) {
      const reading = named(variableName, readSecret(value));
      if ("mistakes" in reading) mistakes.push(...reading.mistakes);
      else if (!unique.has(value)) unique.set(value, { label: `key-${number || free}`, secret: reading.value });
    }
    if (unique.size > maxEntries) mistakes.push(`${name}: ${unique.size} values are set. Keep it to ${maxEntries}.`);
    return mistakes.length > 0 ? { mistakes } : { value: Object.freeze([...unique.values()]) };
  };
  return {
    name,
    spelling: `\`${name}\`, \`${name}_1\` ... \`_${maxEntries}\``,
    type: "secret",
    fallback: "not set",
    doc: options.doc,
    owns: (candidate) => candidate === name || numbered.test(candidate),
    read,
  };
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
} as const;
