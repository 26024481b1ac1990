import { readFileSync } from "node:fs";
import { expect, it } from "@jest/globals";
import { readme, readmeWithConfiguration } from "../src/configuration.ts";

/** Prettier pads the columns; what counts is what the cells hold. */
const cells = (text: string) => text.replace(/ +/g, " ").replace(/-{3,}/g, "---");

it("the README's configuration table is what the services read (npm run docs writes it)", () => {
  expect(cells(readFileSync(readme, "utf8"))).toBe(cells(readmeWithConfiguration()));
});
