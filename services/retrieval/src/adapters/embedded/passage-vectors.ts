import type { PassageVectorsQuery } from "../../domain/vector-index.ts";
import type { EmbeddedState } from "./state.ts";
import { decodeVector, type VectorRow } from "./vector-codec.ts";

/** As the file has them: vectors in memory lie as searches want them, hashed ones by component. The scale of bytes does not matter to a direction. */
export function passageVectors(
  { tenants, database }: EmbeddedState,
  tenant: string,
  { spaceId, collections, passageIds }: PassageVectorsQuery,
): ReadonlyMap<number, Float32Array> {
  const found = new Map<number, Float32Array>();
  for (const name of collections) {
    const active = tenants.get(tenant)?.collections.get(name)?.active;
    if (active?.space.id !== spaceId) continue;
    const sql = `SELECT passage, scale, components FROM vector_${active.rowId} WHERE passage IN (SELECT value FROM json_each(?))`;
    const rows = database.all<VectorRow & { passage: number }>(sql, JSON.stringify(passageIds));
    for (const { passage, ...row } of rows) found.set(passage, new Float32Array(decodeVector(row).values));
  }
  return found;
}
