import { expect, it } from "@jest/globals";
import { bar, bytes, milliseconds } from "./figures.ts";

it("writes times with the digits that mean something", () => {
  expect([0.0412, 1.26, 65.135, 431.6, 20_400].map(milliseconds)).toEqual([
    "0.04 ms",
    "1.3 ms",
    "65.1 ms",
    "432 ms",
    "20.4 s",
  ]);
});

it("writes sizes in the unit that shows most", () => {
  expect([512, 1_900_544, 3 * 1024 ** 3].map(bytes)).toEqual(["512 B", "1.8 MiB", "3.0 GiB"]);
});

it("draws shares, and never nothing for something", () => {
  expect([1, 0.5, 0.0001, 0, 7].map((share) => bar(share, 4))).toEqual(["████", "██", "▏", "", "████"]);
});
