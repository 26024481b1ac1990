import { createGiveWay, giveWay } from "@quartet/turns";
import type { WorkerPool } from "@quartet/workers";
import { type EmbeddingSpace, pendingCount } from "../../domain/collection.ts";
import type { Hit } from "../../domain/keyword-index.ts";
import { passageContent } from "../../domain/passage-content.ts";
import { TopK } from "../../domain/top-k.ts";
import type { EncodedVector } from "../../domain/vector.ts";
import type {
  ActivateResult,
  MissingVectorsPage,
  MissingVectorsQuery,
  VectorIndex,
  VectorQuery,
} from "../../domain/vector-index.ts";
import {
  type CollectionEntry,
  createSpaceEntry,
  spaceIn,
  type SpaceEntry,
  type Tenant,
  toCollection,
} from "./catalogue.ts";
import { allowedSlots } from "./keyword-index.ts";
import { passageVectors } from "./passage-vectors.ts";
import { passagesOf } from "./passages-of-content.ts";
import { vectorTable } from "./migrations.ts";
import { isRefused, refuseContents, retryRefused, takeBackRefusals } from "./refused-passages.ts";
import type { EmbeddedState } from "./state.ts";
import { encodeVector, keptForm } from "./vector-codec.ts";
import { applyTouch, touchCollection } from "./write-document.ts";

/** Scans of many vectors are done in `workers`. */
export function createVectorIndex(state: EmbeddedState, workers: WorkerPool): VectorIndex {
  return {
    search: async (tenantName, query, { signal }) => {
      signal.throwIfAborted();
      const tenant = state.tenants.get(tenantName);
      return { hits: tenant === undefined ? [] : await nearest(tenant, query, { workers, signal }) };
    },

    vectorsOf: async (tenantName, query, { signal }) => {
      signal.throwIfAborted();
      return passageVectors(state, tenantName, query);
    },

    missing: async (tenantName, query, { signal }) => {
      signal.throwIfAborted();
      const entry = state.collection(tenantName, query.collection);
      return entry === undefined ? noneMissing : missing(state, entry, query, signal);
    },

    put: async (tenantName, collection, space, vectors, { signal }) => {
      // Nothing comes between the look at the space and the first transaction.
      await giveWay(signal);
      const entry = state.collection(tenantName, collection);
      if (entry === undefined) return { kind: "stored", count: 0 };
      const known = spaceIn(entry, space.id)?.space;
      if (known !== undefined && (known.dimensions !== space.dimensions || known.kind !== space.kind)) {
        return { kind: "mismatch" };
      }
      return { kind: "stored", count: await putVectors(state, { entry, space, vectors }, signal) };
    },

    refuse: async (tenantName, collection, spaceId, contentHashes, { signal }) => {
      signal.throwIfAborted();
      const entry = state.collection(tenantName, collection);
      return entry === undefined ? 0 : refuseContents(state, { entry, spaceId, contentHashes }, signal);
    },

    retryRefused: async (tenantName, collection, { signal }) => {
      signal.throwIfAborted();
      const entry = state.collection(tenantName, collection);
      return entry === undefined ? 0 : retryRefused(state, entry, signal);
    },

    activate: async (tenantName, collection, spaceId, { signal }) => {
      signal.throwIfAborted();
      const entry = state.collection(tenantName, collection);
      return entry === undefined ? { kind: "unknown-collection" } : activate(state, entry, spaceId);
    },
  };
}

interface NearestOptions {
  readonly workers: WorkerPool;
  readonly signal: AbortSignal;
}

async function nearest(tenant: Tenant, query: VectorQuery, { workers, signal }: NearestOptions): Promise<Hit[]> {
  const asked = spacesAsked(tenant, query);
  const reading = asked.flatMap(({ vectors }) => vectors.whenRead ?? []);
  if (reading.length > 0) await untilAborted(Promise.all(reading), signal);
  if (workers.size > 0 && asked.some(({ vectors }) => vectors.isHeavy)) {
    const hits = await nearestInThreads(tenant, query, { workers, signal });
    if (hits !== undefined) return hits;
  }
  return nearestHere(tenant, query, signal);
}

/** Scans in threads, beside which changes go on, and goes through what they found in one go. Undefined where there is no thread to be had. */
async function nearestInThreads(
  tenant: Tenant,
  query: VectorQuery,
  { workers, signal }: NearestOptions,
): Promise<Hit[] | undefined> {
  const scanning = spacesAsked(tenant, query).map(async (space) => {
    const rows = await space.vectors.scanInThread(query.vector, workers, signal);
    return { space, rows };
  });
  const settled = await Promise.allSettled(scanning);
  const scanned = settled.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  try {
    signal.throwIfAborted();
    if (scanned.length < settled.length) return undefined;
    const now = new Set(spacesAsked(tenant, query));
    const { best, allowed, visit } = ranking(tenant, query);
    for (const { space, rows } of scanned) if (now.has(space)) rows.forEach(allowed, visit);
    return tenant.toHits(best.sorted());
  } finally {
    for (const { rows } of scanned) rows.close();
  }
}

/** Gives way to other calls between blocks. When a change came in between, all is done once more, in one go. */
async function nearestHere(tenant: Tenant, query: VectorQuery, signal: AbortSignal): Promise<Hit[]> {
  const giveWay = createGiveWay();
  const { changes } = tenant;
  const { best, steps } = scan(tenant, query);
  for (const _step of steps) {
    const pause = giveWay(signal);
    if (pause === undefined) continue;
    await pause;
    if (tenant.changes === changes) continue;
    const again = scan(tenant, query);
    for (const _each of again.steps);
    return tenant.toHits(again.best.sorted());
  }
  return tenant.toHits(best.sorted());
}

function spacesAsked(tenant: Tenant, { collections, spaceId }: VectorQuery): SpaceEntry[] {
  const active = collections.flatMap((name) => tenant.collections.get(name)?.active ?? []);
  return active.filter(({ space }) => space.id === spaceId);
}

async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function scan(tenant: Tenant, query: VectorQuery) {
  const { best, allowed, visit } = ranking(tenant, query);
  const scans = spacesAsked(tenant, query).map(({ vectors }) => vectors.scan(query.vector, allowed, visit));
  return { best, steps: stepsOf(scans) };
}

/** What is to be found: nothing yet. */
function ranking(tenant: Tenant, { filter, limit, after, passageIds }: VectorQuery) {
  const whole = filter === undefined ? undefined : allowedSlots(tenant, [...tenant.collections.keys()], filter);
  const allowed = passageIds === undefined ? whole : tenant.slotsOf(passageIds, whole);
  const best = new TopK(limit, tenant.compareSlots, after && tenant.bound(after));
  const visit = (slot: number, cosine: number) => {
    if (cosine >= best.threshold) best.offer(slot, cosine);
  };
  return { best, allowed, visit };
}

function* stepsOf(scans: readonly Generator<void, void, void>[]): Generator<void, void, void> {
  for (const each of scans) yield* each;
}

const noneMissing: MissingVectorsPage = { contents: [], nextAfterPassageId: undefined };

/** Contents looked up in one go: other calls wait some 2 ms. */
const contentsPerStep = 32;

async function missing(
  state: EmbeddedState,
  entry: CollectionEntry,
  { limit, ...query }: MissingVectorsQuery,
  signal: AbortSignal,
): Promise<MissingVectorsPage> {
  const giveWay = createGiveWay();
  const contents: MissingVectorsPage["contents"][number][] = [];
  for (let after = query.afterPassageId; ;) {
    const step = missingStep(state, entry, {
      ...query,
      afterPassageId: after,
      limit: Math.min(contentsPerStep, limit - contents.length),
    });
    contents.push(...step.contents);
    const next = step.nextAfterPassageId;
    if (next === undefined || contents.length >= limit) return { contents, nextAfterPassageId: next };
    after = next;
    await giveWay(signal);
  }
}

/** What it finds may have its vector a turn later, which does no harm: it is put once more. */
function missingStep(
  { database }: EmbeddedState,
  entry: CollectionEntry,
  { spaceId, documentIds, afterPassageId, limit }: MissingVectorsQuery,
): MissingVectorsPage {
  const space = spaceIn(entry, spaceId);
  // The loop that keeps vectors up to date asks again and again: mostly there is nothing to look for.
  if (space !== undefined && pendingIn(entry, space) === 0) return noneMissing;
  const isFromStart = documentIds.length === 0 && space !== undefined && afterPassageId <= space.completeUpTo;
  const after = isFromStart ? space.completeUpTo : afterPassageId;
  const lacks = (passage: string) =>
    space === undefined
      ? "1"
      : `NOT EXISTS (SELECT 1 FROM vector_${space.rowId} WHERE passage = ${passage}.id) AND NOT ${isRefused(space.rowId, `${passage}.id`)}`;
  const documentRows = documentIds.flatMap((id) => entry.tenant.documents.get(id)?.rowId ?? []);
  const within = documentIds.length === 0 ? "1" : "p.document IN (SELECT value FROM json_each(?))";
  const sql = `
    SELECT p.id, lower(hex(p.content_hash)) AS contentHash, d.title, t.headings, t.text
    FROM passage p JOIN passage_text t ON t.passage = p.id JOIN document d ON d.id = p.document
    WHERE p.collection = ? AND p.id > ? AND ${lacks("p")} AND ${within}
      AND NOT EXISTS (SELECT 1 FROM passage q WHERE q.collection = p.collection AND q.content_hash = p.content_hash
        AND q.id < p.id AND ${within.replace("p.document", "q.document")} AND ${lacks("q")})
    ORDER BY p.id LIMIT ?`;
  const rowIds = documentIds.length === 0 ? [] : [JSON.stringify(documentRows)];
  interface Row {
    id: number;
    contentHash: string;
    title: string;
    headings: string;
    text: string;
  }
  const rows = database.all<Row>(sql, entry.rowId, after, ...rowIds, ...rowIds, limit);
  if (isFromStart && rows.length > 0) space.completeUpTo = rows[0]!.id - 1;
  return {
    contents: rows.map(({ contentHash, title, headings, text }) => ({
      contentHash,
      text: passageContent({ title, headings: JSON.parse(headings) as string[], text }),
    })),
    nextAfterPassageId: rows.length < limit ? undefined : rows.at(-1)!.id,
  };
}

/** Vectors share a transaction up to this size: other calls wait some 5 ms. */
const bytesPerTransaction = 256 * 1024;

interface VectorsToPut {
  readonly entry: CollectionEntry;
  readonly space: EmbeddingSpace;
  readonly vectors: readonly { readonly contentHash: string; readonly vector: EncodedVector }[];
}

interface Target {
  readonly passageId: number;
  readonly vector: EncodedVector;
}

/** In as many transactions as it takes: one line may be the content of ten thousand passages. Gives the passages that got a vector. */
async function putVectors(
  state: EmbeddedState,
  { entry, space, vectors }: VectorsToPut,
  signal: AbortSignal,
): Promise<number> {
  const giveWay = createGiveWay();
  const bytesEach = space.dimensions * (space.kind === "hashed" ? 1 : 4);
  const limit = Math.max(1, Math.floor(bytesPerTransaction / bytesEach));
  let targets: Target[] = [];
  let count = 0;
  for (const { contentHash, vector: given } of vectors) {
    const vector = keptForm(space.kind, given);
    for (const passageId of passagesOf(state.database, entry, contentHash)) {
      targets.push({ passageId, vector });
      if (targets.length < limit) continue;
      count += writeVectors(state, entry, space, targets);
      targets = [];
      await giveWay(signal);
      // Another space took its place meanwhile.
      if (count > 0 && spaceIn(entry, space.id) === undefined) return count;
    }
  }
  return count + writeVectors(state, entry, space, targets);
}

/** One transaction. */
function writeVectors(
  state: EmbeddedState,
  entry: CollectionEntry,
  space: EmbeddingSpace,
  given: readonly Target[],
): number {
  const { database } = state;
  // A passage may have gone since it was looked up.
  const targets = given.filter(({ passageId }) => entry.tenant.passages.has(passageId));
  if (targets.length === 0) return 0;
  const known = spaceIn(entry, space.id);
  const role = known === undefined ? (entry.active === undefined ? "active" : "building") : undefined;
  const replaced = role === "building" ? entry.building : undefined;
  if (replaced !== undefined) database.forget(`vector_${replaced.rowId} `);
  const { target, touched } = database.transaction(() => {
    if (replaced !== undefined) dropSpace(state, replaced);
    const target = known ?? makeSpace(state, entry, space, role!);
    if (known !== undefined) updateSpace(state, known.rowId, space);
    const sql = `INSERT OR REPLACE INTO vector_${target.rowId} (passage, scale, components) VALUES (?, ?, ?)`;
    for (const { passageId, vector } of targets) {
      const { scale, components } = encodeVector(vector);
      database.run(sql, passageId, scale, components);
    }
    takeBackRefusals(
      state,
      target,
      targets.map(({ passageId }) => passageId),
    );
    // Searches see a change only in the active space.
    const isSeen = role === "active" || target === entry.active;
    return { target, touched: isSeen ? touchCollection(database, entry.tenant.name, entry.name) : undefined };
  });
  entry.tenant.changes += 1;
  target.space = space;
  if (role !== undefined) entry[role] = target;
  if (touched !== undefined) applyTouch(entry.tenant, touched);
  for (const { passageId, vector } of targets) {
    target.vectors.set(entry.tenant.passages.get(passageId)!.slot, vector);
    target.refused.delete(passageId);
  }
  return targets.length;
}

function pendingIn({ passageCount }: CollectionEntry, { vectors, refused }: SpaceEntry): number {
  return pendingCount(passageCount, { vectorCount: vectors.size, refusedCount: refused.size });
}

function makeSpace(
  { database }: EmbeddedState,
  { rowId: collection }: CollectionEntry,
  space: EmbeddingSpace,
  role: "active" | "building",
): SpaceEntry {
  const { id } = database.run(
    `INSERT INTO space (collection, role, space_id, dimensions, kind, dense_weight, cache_threshold, model)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    collection,
    role,
    space.id,
    space.dimensions,
    space.kind,
    space.denseWeight,
    space.cacheThreshold,
    space.model,
  );
  database.exec(vectorTable(id));
  return createSpaceEntry(id, space);
}

/** What a space says of itself may change without its vectors, such as the weight that is safe. */
function updateSpace({ database }: EmbeddedState, rowId: number, space: EmbeddingSpace): void {
  const sql = "UPDATE space SET dense_weight = ?, cache_threshold = ?, model = ? WHERE id = ?";
  database.run(sql, space.denseWeight, space.cacheThreshold, space.model, rowId);
}

function dropSpace({ database }: EmbeddedState, { rowId }: SpaceEntry): void {
  database.exec(`DROP TABLE vector_${rowId}`);
  database.run("DELETE FROM space WHERE id = ?", rowId);
}

function activate(state: EmbeddedState, entry: CollectionEntry, spaceId: string): ActivateResult {
  if (entry.active?.space.id === spaceId) return { kind: "active", collection: toCollection(entry) };
  const { active: old, building: next } = entry;
  if (next?.space.id !== spaceId) return { kind: "not-building" };
  const missingCount = pendingIn(entry, next);
  if (missingCount > 0) return { kind: "incomplete", missingCount };
  const { database } = state;
  if (old !== undefined) database.forget(`vector_${old.rowId} `);
  const touched = database.transaction(() => {
    if (old !== undefined) dropSpace(state, old);
    database.run("UPDATE space SET role = 'active' WHERE id = ?", next.rowId);
    return touchCollection(database, entry.tenant.name, entry.name);
  });
  entry.tenant.changes += 1;
  entry.active = next;
  entry.building = undefined;
  applyTouch(entry.tenant, touched);
  return { kind: "active", collection: toCollection(entry) };
}
