import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { instructionsKind } from "./config-sections.ts";
import { builtInInstructions, type Instruction, instructionFor } from "./domain/sections/instructions.ts";

const read = (text: string) => {
  const reading = instructionsKind.parse(text);
  if ("mistakes" in reading) throw new Error(reading.mistakes.join("\n"));
  return reading.value;
};
const mistakesIn = (text: string): readonly string[] => {
  const reading = instructionsKind.parse(text);
  return "mistakes" in reading ? reading.mistakes : [];
};

describe("instructions of sections as an operator writes them", () => {
  it("are on lines of their own, and may then hold semicolons", () => {
    const instructions = read("risks = List the risks; the greatest first.\n\nrisks.ko=위험을 적으십시오.\n");
    expect(instructions.get("risks")).toEqual({
      text: "List the risks; the greatest first.",
      korean: "위험을 적으십시오.",
    });
    expect(instructions.get("summary")).toBe(builtInInstructions.get("summary"));
  });

  it("are on one line with semicolons in between", () => {
    const instructions = read("risks=List the risks.; costs=What does x=y cost?");
    expect([...instructions.keys()]).toEqual([...builtInInstructions.keys(), "risks", "costs"]);
    expect(instructions.get("costs")?.text).toBe("What does x=y cost?");
  });

  it("replace a built-in one in both languages, or in Korean alone", () => {
    expect(read("summary=One line.").get("summary")).toEqual({ text: "One line." });
    const { text, korean } = read("summary.ko=한 줄로.").get("summary")!;
    expect({ text, korean }).toEqual({ text: builtInInstructions.get("summary")!.text, korean: "한 줄로." });
  });

  it("read as they are shown", () => {
    const text = fc.stringMatching(/^[A-Za-z가-힣][A-Za-z가-힣 =;.]{0,30}[a-z가-힣.]$/);
    const instruction = fc.record<Instruction>({ text, korean: text }, { requiredKeys: ["text"] });
    const named = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/), instruction, { minKeys: 2, maxKeys: 8 });
    fc.assert(
      fc.property(named, (given) => {
        const instructions = new Map([...builtInInstructions, ...Object.entries(given)]);
        expect(read(`${instructionsKind.format(instructions)}\n`)).toEqual(instructions);
      }),
    );
  });

  it.each([
    ["Risks=List.", "has no name that can be used"],
    ["List the risks.", "has no name that can be used"],
    [`${"r".repeat(33)}=List.`, "has no name that can be used"],
    ["__proto__=List.", "has no name that can be used"],
    ["risks=", 'section "risks" has no instruction.'],
    [`risks=${"가".repeat(2_001)}`, "more than 2000 characters"],
    ["risks=a;risks=b", 'section "risks" stands there more than once.'],
    ["risks.ko=위험", 'section "risks.ko" has no instruction for other languages.'],
    ["risks.fr=Risques", "has no name that can be used"],
    [Array.from({ length: 33 }, (_, index) => `s${index}=x`).join(";"), "has 33 sections. Keep it to 32."],
  ])("say what is wrong in one line: %s", (text, mistake) => {
    expect(mistakesIn(text)).toEqual([expect.stringContaining(mistake)]);
  });
});

describe("the built-in instructions", () => {
  it.each(["summary", "symbols", "recommendations"])("are there in both languages: %s", (name) => {
    const asked = { name, instruction: "" };
    const english = instructionFor(asked, "Who?", builtInInstructions);
    const korean = instructionFor(asked, "누구?", builtInInstructions);
    expect(english).toMatch(/^[A-Z][ -~]+\.$/);
    expect(korean).toMatch(/십시오\.$/);
    expect(korean.normalize("NFC")).toBe(korean);
  });
});
