import { type Kind, quote } from "@quartet/service";
import { builtInInstructions, type Instruction, type Instructions } from "./domain/sections/instructions.ts";

/*
 * How instructions are written: one for each name of a section, with line breaks in between or, where there are none, semicolons. A second
 * one with `.ko` after the name is for questions in Korean. They come on top of the built-in ones.
 *
 *     risks=List the risks that the passages name, the greatest first.
 *     risks.ko=문서가 말하는 위험을 큰 것부터 적으십시오.
 */

/** As the contract lets requests name sections. */
const namePattern = /^[a-z][a-z0-9_-]{0,31}$/;
/** As long as those of requests. */
const maxCharacters = 2_000;
const maxNames = 32;

/** The kind of the variable that holds them. */
export const instructionsKind: Kind<Instructions> = {
  type: "instructions, see deploy/docs/sections.md",
  parse,
  format,
};

function parse(text: string): { value: Instructions } | { mistakes: readonly string[] } {
  const entries = (/\n/.test(text.trim()) ? text.split("\n") : text.split(";")).map((each) => each.trim());
  const mistakes: string[] = [];
  const texts = new Map<string, string>();
  for (const entry of entries.filter(Boolean)) {
    const [, key = entry, instruction = ""] = /^([^=]*?)\s*=\s*(.*)$/.exec(entry) ?? [];
    const mistake = mistakeIn(key, instruction, texts.has(key));
    if (mistake === undefined) texts.set(key, instruction);
    else mistakes.push(mistake);
  }
  const names = [...texts.keys()].filter((key) => !key.endsWith(".ko"));
  for (const key of texts.keys()) {
    if (key.endsWith(".ko") && !names.includes(key.slice(0, -3)) && !builtInInstructions.has(key.slice(0, -3))) {
      mistakes.push(
        `section ${quote(key)} has no instruction for other languages. Give one for ${quote(key.slice(0, -3))} too.`,
      );
    }
  }
  if (names.length > maxNames) mistakes.push(`has ${names.length} sections. Keep it to ${maxNames}.`);
  return mistakes.length > 0 ? { mistakes } : { value: complete(texts) };
}

function mistakeIn(key: string, instruction: string, isKnown: boolean): string | undefined {
  const where = `section ${quote(key)}`;
  if (!namePattern.test(key.replace(/\.ko$/, ""))) {
    return `${where} has no name that can be used. Write name=instruction, the name of small letters, digits, _ and -, at most 32.`;
  }
  if (instruction === "") return `${where} has no instruction. Write it after the name and =.`;
  if ([...instruction].length > maxCharacters) {
    return `${where} has an instruction of more than ${maxCharacters} characters. Shorten it.`;
  }
  return isKnown ? `${where} stands there more than once. Give each name one instruction.` : undefined;
}

/** The built-in ones, and over them what the operator says; one for all languages replaces both of a built-in one. */
function complete(texts: ReadonlyMap<string, string>): Instructions {
  const all = new Map<string, Instruction>(builtInInstructions);
  for (const [key, text] of texts) if (!key.endsWith(".ko")) all.set(key, Object.freeze({ text }));
  for (const [key, korean] of texts) {
    const name = key.slice(0, -3);
    if (key.endsWith(".ko")) all.set(name, Object.freeze({ ...all.get(name)!, korean }));
  }
  return all;
}

/** As an operator would write it; what is built in is left out. */
function format(instructions: Instructions): string {
  return [...instructions]
    .filter(([name, instruction]) => builtInInstructions.get(name) !== instruction)
    .flatMap(([name, { text, korean }]) => [
      ...(builtInInstructions.get(name)?.text === text ? [] : [`${name}=${text}`]),
      ...(korean === undefined ? [] : [`${name}.ko=${korean}`]),
    ])
    .join("\n");
}
