/** A section as a question asks for it. */
export interface SectionSpec {
  readonly name: string;
  /** Empty: what the server understands by the name. */
  readonly instruction: string;
}

/** As the contract lets requests name them. */
const namePattern = /^[a-z][a-z0-9_-]{0,31}$/;

/** Reads `name` or `name=instruction`; undefined where there is no name that can be used, or nothing behind the `=`. */
export function parseSection(text: string): SectionSpec | undefined {
  const [, name = "", given] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const instruction = given?.trim() ?? "";
  if (!namePattern.test(name.trim()) || (given !== undefined && instruction === "")) return undefined;
  return { name: name.trim(), instruction };
}
