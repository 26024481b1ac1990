import { describe, expect, it } from "@jest/globals";
import { cosine, quantizeInt8 } from "@quartet/vector";
import { createInlineWorkers, type WorkerPool } from "@quartet/workers";
import fc from "fast-check";
import type { EncodedVector } from "../../domain/vector.ts";
import { DenseRows } from "./dense-rows.ts";
import { HashedRows } from "./hashed-rows.ts";
import type { VectorRows } from "./vector-rows.ts";

const dimensions = 6;
const component = fc.constantFrom(0, 0, 0, 1, -1, 0.5, 3);
const float32: fc.Arbitrary<EncodedVector> = fc
  .array(component, { minLength: dimensions, maxLength: dimensions })
  .map((values) => ({ kind: "float32", values: Float32Array.from(values) }));
const int8: fc.Arbitrary<EncodedVector> = float32.map(({ values }) => {
  const { bytes, scale } = quantizeInt8(values as Float32Array);
  return { kind: "int8", values: bytes, scale };
});
const vector = fc.oneof(float32, int8);
const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), slot: fc.nat({ max: 40 }), vector }),
  fc.record({ kind: fc.constant("delete" as const), slot: fc.nat({ max: 40 }) }),
  fc.record({ kind: fc.constant("scan" as const), query: vector }),
);

function scan(rows: VectorRows, query: EncodedVector, allowed?: Uint8Array): Map<number, number> {
  const found = new Map<number, number>();
  for (const _step of rows.scan(query, allowed, (slot, score) => found.set(slot, score)));
  return found;
}

const signal = new AbortController().signal;

/** What a thread saw that had scanned everything before the rows changed: it is given copies. */
const early: WorkerPool = {
  ...createInlineWorkers(),
  run: (task, input, options) => createInlineWorkers().run(task, unshared(input) as never, options),
};

function unshared(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return (value as Float32Array).slice();
  if (Array.isArray(value)) return value.map(unshared);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unshared(each)]));
}

function change(rows: VectorRows, each: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
  if (each.kind === "delete") rows.delete(each.slot);
  if (each.kind === "set") rows.set(each.slot, each.vector);
}

describe.each<[string, () => VectorRows, number]>([
  ["DenseRows", () => new DenseRows(dimensions), 1e-5],
  // One byte a component.
  ["HashedRows", () => new HashedRows(dimensions), 0.02],
])("%s", (_name, create, tolerance) => {
  it("gives the cosine of every vector it holds, through changes in any order", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), vector, (steps, last) => {
        const rows = create();
        const held = new Map<number, EncodedVector>();
        const check = (query: EncodedVector) => {
          const found = scan(rows, query);
          expect(rows.size).toBe(held.size);
          expect(new Set(found.keys())).toEqual(new Set(held.keys()));
          for (const [slot, { values }] of held) {
            const exact = cosine([...values], [...query.values]);
            expect(Math.abs(found.get(slot)! - exact)).toBeLessThan(tolerance);
          }
        };
        for (const each of steps) {
          if (each.kind === "set") {
            rows.set(each.slot, each.vector);
            held.set(each.slot, each.vector);
          } else if (each.kind === "delete") {
            rows.delete(each.slot);
            held.delete(each.slot);
          } else check(each.query);
        }
        check(last);
      }),
    );
  });

  it("finds in a thread what it finds here, whatever changes meanwhile, and however much of it the thread saw", async () => {
    const steps = fc.array(step, { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, steps, vector, fc.boolean(), async (before, meanwhile, query, isEarly) => {
        const rows = create();
        for (const each of before) change(rows, each);
        const scanning = rows.scanInThread(query, isEarly ? early : createInlineWorkers(), signal);
        for (const each of meanwhile) change(rows, each);
        const scanned = await scanning;
        const found = new Map<number, number>();
        scanned.forEach(undefined, (slot, score) => found.set(slot, score));
        scanned.close();
        expect(found).toEqual(scan(rows, query));
      }),
      { numRuns: 50 },
    );
  });

  it("holds more than one block, and gives it back", () => {
    const rows = create();
    const unit = (at: number): EncodedVector => {
      const values = new Float32Array(dimensions);
      values[at % dimensions] = 1;
      return { kind: "float32", values };
    };
    for (let slot = 0; slot < 2_500; slot += 1) rows.set(slot, unit(slot));
    for (let slot = 0; slot < 2_500; slot += 3) rows.delete(slot);
    const found = scan(rows, unit(1));
    expect(found.size).toBe(rows.size);
    for (const [slot, score] of found) expect(score).toBeCloseTo(slot % dimensions === 1 ? 1 : 0, 5);
    expect([...scan(rows, unit(1), Uint8Array.of(0, 0, 1)).keys()]).toEqual([2]);
  });
});
