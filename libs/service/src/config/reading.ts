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

/** With `optional: true` the value may be undefined. */
export type ValueOf<T, O> = O extends { readonly optional: true } ? T | undefined : T;

/** How one kind of variable is read and shown. */
export interface Kind<T> {
  readonly type: string;
  parse(text: string): Reading<T>;
  format(value: T): string;
}

/** Each mistake without the variable's name, which `named` puts before it. */
export const wrong = (...mistakes: readonly string[]): Reading<never> => ({ mistakes });

export const notA = (text: string, what: string): Reading<never> =>
  wrong(`${quote(text)} is not ${what}. Set it to one, or unset it.`);

export const named = <T>(name: string, reading: Reading<T>): Reading<T> =>
  "value" in reading ? reading : { mistakes: reading.mistakes.map((mistake) => `${name}: ${mistake}`) };

/** What may be a password in a URL, or a key that was pasted into the wrong variable. */
const MAYBE_SECRET = /@|\bsk-|[A-Za-z0-9_+/=-]{32}/;

/** A value as it may stand in a message: short, on one line, and never with what may be a secret. */
export function quote(text: string): string {
  if (MAYBE_SECRET.test(text)) return "the value";
  const line = text.replace(/\p{Cc}+/gu, " ");
  return `"${line.length > 60 ? `${line.slice(0, 60)}...` : line}"`;
}

/** A variable of one name and the given kind. */
export function define<T, O extends Presence<T>>(name: string, options: O, kind: Kind<T>): Variable<ValueOf<T, O>> {
  const absent = options.default;
  const fallback = absent === undefined ? (options.optional ? "not set" : "required") : kind.format(absent) || "empty";
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
