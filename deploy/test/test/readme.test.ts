import { readFileSync } from "node:fs";
import { expect, it } from "@jest/globals";
import { readme, readmeWithConfiguration } from "../src/configuration.ts";

it("the README's configuration table is what the services read (npm run docs writes it)", () => {
  expect(readFileSync(readme, "utf8")).toBe(readmeWithConfiguration());
});
