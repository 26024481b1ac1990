import { named, wrong } from "./reading.ts";
import type { Environment, Reading, Variable } from "./reading.ts";
import { Secret } from "./secret.ts";

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

/** A pasted key with a break or a space in it fails at the provider with an error that leads elsewhere. */
export const readSecret = (value: string): Reading<Secret> =>
  /^[\x21-\x7e]+$/.test(value)
    ? { value: new Secret(value) }
    : wrong("has a space, a line break or a letter outside ASCII in it. Copy the secret again.");

/**
 * `NAME_1` ... `NAME_N` by their numbers, and `NAME` as the first or, where another `NAME_1` is set as well, as one more.
 * Equal values count once. The labels are `key-1` ... `key-N`, and `key-0` for that one more.
 */
export function numberedSecrets(name: string, options: NumberedSecretsOptions): Variable<readonly LabelledSecret[]> {
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
