import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { parseTime } from "./time.ts";

describe("parseTime", () => {
  it("reads RFC 3339, and a date as its first moment in UTC", () => {
    expect(parseTime("2024-05-30")).toBe(Date.UTC(2024, 4, 30));
    expect(parseTime("2024-05-30T09:00:00+09:00")).toBe(Date.UTC(2024, 4, 30));
    expect(parseTime("2024-05-30t00:00:00.25z")).toBe(Date.UTC(2024, 4, 30) + 250);
    expect(parseTime("0099-01-01")).toBe(new Date(0).setUTCFullYear(99, 0, 1));
    expect(parseTime("2016-12-31T23:59:60Z")).toBe(Date.UTC(2017, 0, 1));
  });

  it.each([
    "2024-02-30",
    "2023-02-29",
    "2024-13-01",
    "2024-1-1",
    "2024",
    "2024-05-30T25:00:00Z",
    "2024-05-30T10:00Z",
    "2024-05-30T10:00:00",
    "어제",
    "",
  ])("refuses %s", (text) => expect(parseTime(text)).toBeUndefined());

  it("reads back what Date writes", () => {
    const date = fc.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });
    fc.assert(fc.property(date, (moment) => expect(parseTime(moment.toISOString())).toBe(moment.getTime())));
  });
});
