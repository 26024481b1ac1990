import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { configurationTable } from "./configuration-table.ts";
import { formatBytes, formatDuration, parseBytes, parseDurationMs } from "./units.ts";
import { editDistance, unknownVariables } from "./unknown-variables.ts";
import { variable } from "./variable.ts";

const one = {
  port: variable.integer("QUARTET_PORT", { default: 8080, min: 0, max: 65_535, doc: "Where | it\nlistens." }),
};
const two = {
  ...one,
  dataDir: variable.text("QUARTET_DATA_DIR", { doc: "Where data is." }),
  deadlineMs: variable.duration("QUARTET_DEADLINE", { default: 90_000, doc: "How long." }),
  keys: variable.numberedSecrets("OPENAI_API_KEY", { doc: "Keys." }),
};

describe("unknownVariables", () => {
  it("names the nearest known one, and says whether it is near", () => {
    const environment = {
      QUARTET_PROT: "1",
      QUARTET_PORT: "1",
      QUARTET_SOMETHING: "1",
      QUARTET_EVAL_DATA: "1",
      HOME: "/",
    };
    expect(unknownVariables(environment, [one, two], { alsoKnown: ["QUARTET_EVAL_DATA"] })).toEqual([
      { line: "QUARTET_PROT: is not known. Did you mean QUARTET_PORT?", near: true },
      {
        line: "QUARTET_SOMETHING: is not known. Unset it, or see the configuration table in README.md.",
        near: false,
      },
    ]);
  });
});

describe("editDistance", () => {
  it("is a metric", () => {
    const word = fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      }),
    );
    expect(editDistance("kitten", "sitting")).toBe(3);
  });
});

describe("units", () => {
  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), (value) => {
        expect(parseDurationMs(formatDuration(value))).toBe(value);
        expect(parseBytes(formatBytes(value))).toBe(value);
      }),
    );
    expect(formatDuration(90_000)).toBe("90s");
    expect(formatDuration(0)).toBe("0ms");
  });
});

describe("configurationTable", () => {
  it("has one row per variable, safe for Markdown", () => {
    expect(configurationTable([one, two])).toBe(
      [
        "| variable | what to write | default | what it decides |",
        "|---|---|---|---|",
        "| `QUARTET_PORT` | whole number from 0 to 65535 | 8080 | Where \\| it listens. |",
        "| `QUARTET_DATA_DIR` | text | required | Where data is. |",
        "| `QUARTET_DEADLINE` | duration with its unit, as 500ms, 30s, 2m or 1h | 90s | How long. |",
        "| `OPENAI_API_KEY`, `OPENAI_API_KEY_1` ... `_64` | secret | not set | Keys. |",
        "",
      ].join("\n"),
    );
  });
});
