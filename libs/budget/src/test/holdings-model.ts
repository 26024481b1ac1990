import fc from "fast-check";

/** What a run of calls may do, on one of several replicas. */
export type Step =
  | { readonly kind: "reserve"; readonly replica: number; readonly tenant: string; readonly nanos: number }
  /** `share`: of what was reserved, in percent; at most 100, as reservations are upper bounds. */
  | { readonly kind: "settle"; readonly pick: number; readonly share: number }
  | { readonly kind: "release"; readonly pick: number }
  /** The ledger takes what waits on the replica. */
  | { readonly kind: "record"; readonly replica: number }
  /** The replica reads the ledger. */
  | { readonly kind: "read"; readonly replica: number; readonly tenant: string };

export const tenants = ["acme", "베타"] as const;

export const stepsOf = (replicas: number, maxLength: number): fc.Arbitrary<Step[]> => {
  const replica = fc.nat({ max: replicas - 1 });
  const tenant = fc.constantFrom(...tenants);
  const pick = fc.nat({ max: 1_000 });
  return fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant("reserve" as const),
          replica,
          tenant,
          nanos: fc.integer({ min: 0, max: 60 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant("settle" as const), pick, share: fc.integer({ min: 0, max: 100 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), pick }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("record" as const), replica }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("read" as const), replica, tenant }) },
    ),
    { maxLength },
  );
};
