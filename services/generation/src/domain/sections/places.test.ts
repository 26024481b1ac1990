import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createPlaces, type Place } from "./places.ts";

const { signal } = new AbortController();
/** Lets everything that can go on do so. */
const settle = () => new Promise(setImmediate);

/** Takes a place and notes when it is there. */
function taking(places: ReturnType<typeof createPlaces>, name: string, granted: string[]) {
  return places.take(signal).then((place) => {
    granted.push(name);
    return place;
  });
}

describe("places of sections", () => {
  it("are there for all at once, and none is alone", async () => {
    const places = createPlaces(3);
    const all = await Promise.all([places.take(signal), places.take(signal), places.take(signal)]);
    expect(all.map(({ isOnly }) => isOnly)).toEqual([false, false, false]);
    for (const place of all) place.end();
    expect(places.wereShort).toBe(false);
    expect((await createPlaces(1).take(signal)).isOnly).toBe(true);
  });

  it("are fewer once the provider refused one, who waits for the end of another", async () => {
    const places = createPlaces(3);
    const [one, two, three] = await Promise.all([places.take(signal), places.take(signal), places.take(signal)]);
    const granted: string[] = [];
    three!.refused(true);
    const again = taking(places, "three", granted);
    one!.begun();
    two!.begun();
    await settle();
    expect(granted).toEqual([]);
    one!.end();
    expect((await again).isOnly).toBe(false);
    expect(places.wereShort).toBe(true);
  });

  it("are as many again where keys only rested, as soon as one of them works, and then only once", async () => {
    const places = createPlaces(3);
    const all = await Promise.all([places.take(signal), places.take(signal), places.take(signal)]);
    for (const place of all) place.refused(false);
    const granted: string[] = [];
    const [scout, ...others] = ["a", "b", "c"].map((name) => taking(places, name, granted));
    const first = await scout!;
    expect([first.isOnly, granted]).toEqual([true, ["a"]]);
    first.begun();
    const [second, third] = await Promise.all(others);
    expect([second!.isOnly, third!.isOnly]).toEqual([false, false]);
    expect(places.wereShort).toBe(false);
    third!.refused(false);
    const again = taking(places, "c again", granted);
    // Each text of the others tells that they have begun: that is no news.
    first.begun();
    await settle();
    expect(granted).not.toContain("c again");
    second!.end();
    expect((await again).isOnly).toBe(false);
  });

  it("are not waited for by one who leaves", async () => {
    const places = createPlaces(2);
    const [one, two] = await Promise.all([places.take(signal), places.take(signal)]);
    two!.refused(true);
    const left = new AbortController();
    const waiting = places.take(left.signal);
    left.abort(new Error("left"));
    await expect(waiting).rejects.toThrow("left");
    const next = places.take(signal);
    one!.end();
    expect((await next).isOnly).toBe(true);
  });

  it("are found by everyone, with a bounded number of tries, whatever the provider does", async () => {
    const outcome = fc.constantFrom("end", "begin-end", "refused", "rested");
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.infiniteStream(outcome), async (count, outcomes) => {
        const places = createPlaces(count);
        let held = 0;
        const tries = await Promise.all(
          Array.from({ length: count }, async () => {
            for (let tried = 1; ; tried += 1) {
              const place: Place = await places.take(signal);
              held += 1;
              expect(place.isOnly && held > 1 && count > 1).toBe(false);
              const { value } = outcomes.next();
              if (value === "begin-end") place.begun();
              await settle();
              held -= 1;
              if (place.isOnly || value === "end" || value === "begin-end") {
                place.end();
                return tried;
              }
              place.refused(value === "refused");
            }
          }),
        );
        expect(Math.max(...tries)).toBeLessThanOrEqual(2 * (count - 1) + 1);
      }),
      { numRuns: 300 },
    );
  });
});
