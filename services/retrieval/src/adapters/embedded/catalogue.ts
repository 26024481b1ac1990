import { compareCodePoints } from "../../domain/code-point-order.ts";
import type { Collection, CollectionState, EmbeddingSpace } from "../../domain/collection.ts";
import type { DocumentAttributes, Metadata, StoredDocument } from "../../domain/document.ts";
import type { Hit } from "../../domain/keyword-index.ts";
import type { Place } from "../../domain/place.ts";
import type { Bound, Scored } from "../../domain/top-k.ts";
import { DenseRows } from "./dense-rows.ts";
import { FilterSets } from "./filter-sets.ts";
import { HashedRows } from "./hashed-rows.ts";
import { Postings } from "./postings.ts";
import { SpaceVectors } from "./space-vectors.ts";

/** A space of a collection, with its vectors. `rowId` names its table. */
export interface SpaceEntry {
  readonly rowId: number;
  space: EmbeddingSpace;
  readonly vectors: SpaceVectors;
  /** Passages up to this ID are known to have a vector or to be refused: what lacks one is looked for behind them. Later passages have greater IDs. */
  completeUpTo: number;
  /** The IDs of passages that its embedder refuses for good; none of them has a vector. */
  readonly refused: Set<number>;
}

export function createSpaceEntry(rowId: number, space: EmbeddingSpace): SpaceEntry {
  const rows = space.kind === "hashed" ? new HashedRows(space.dimensions) : new DenseRows(space.dimensions);
  return { rowId, space, vectors: new SpaceVectors(rows), completeUpTo: 0, refused: new Set() };
}

/** A collection as it stands; changed only after the commit that changed the record. */
export interface CollectionEntry {
  readonly rowId: number;
  readonly name: string;
  readonly tenant: Tenant;
  recordSeq: number;
  documentCount: number;
  passageCount: number;
  active: SpaceEntry | undefined;
  building: SpaceEntry | undefined;
}

/** A collection without documents. */
export function newCollectionEntry(
  fields: Pick<CollectionEntry, "rowId" | "name" | "tenant" | "recordSeq">,
): CollectionEntry {
  return { ...fields, documentCount: 0, passageCount: 0, active: undefined, building: undefined };
}

export function spacesOf({ active, building }: CollectionEntry): SpaceEntry[] {
  return [active, building].filter((space) => space !== undefined);
}

export function spaceIn(entry: CollectionEntry, spaceId: string): SpaceEntry | undefined {
  return spacesOf(entry).find(({ space }) => space.id === spaceId);
}

export function stateOf({ name, recordSeq }: CollectionEntry): CollectionState {
  // The keyword index is changed in the same breath as the record.
  return { collection: name, recordSeq, projectedSeq: recordSeq };
}

export function toCollection(entry: CollectionEntry): Collection {
  const progress = (space: SpaceEntry | undefined) =>
    space === undefined
      ? undefined
      : { space: space.space, vectorCount: space.vectors.size, refusedCount: space.refused.size };
  return {
    state: stateOf(entry),
    documentCount: entry.documentCount,
    passageCount: entry.passageCount,
    active: progress(entry.active),
    building: progress(entry.building),
  };
}

/** A passage without its text. `slot` is its place in the memory of this process, `id` its place in the record. */
export interface PassageEntry {
  readonly id: number;
  readonly slot: number;
  readonly ordinal: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly document: DocumentEntry;
}

type DocumentFields = Omit<DocumentAttributes, "collection" | "metadata" | "tags"> & {
  readonly rowId: number;
  readonly home: CollectionEntry;
  readonly version: number;
  /** JSON. */
  readonly tags: string;
  readonly metadata: string;
};

const noTags: readonly string[] = Object.freeze([]);
const noMetadata: Metadata = Object.freeze({});

/** A document without its text; never changed, but replaced. */
export class DocumentEntry implements DocumentAttributes {
  readonly rowId: number;
  readonly home: CollectionEntry;
  readonly id: string;
  readonly title: string;
  readonly mediaType: string;
  readonly language: string;
  readonly uri: string;
  readonly taxonomyPath: string;
  readonly createTimeMs: number;
  readonly updateTimeMs: number;
  readonly version: number;
  readonly tags: readonly string[];
  readonly passages: PassageEntry[] = [];
  /** JSON until somebody asks, which few do. */
  #metadata: string | Metadata;

  constructor(fields: DocumentFields) {
    this.rowId = fields.rowId;
    this.home = fields.home;
    this.id = fields.id;
    this.title = fields.title;
    this.mediaType = fields.mediaType;
    this.language = fields.language;
    this.uri = fields.uri;
    this.taxonomyPath = fields.taxonomyPath;
    this.createTimeMs = fields.createTimeMs;
    this.updateTimeMs = fields.updateTimeMs;
    this.version = fields.version;
    this.tags = fields.tags === "[]" ? noTags : (JSON.parse(fields.tags) as string[]);
    this.#metadata = fields.metadata === "{}" ? noMetadata : fields.metadata;
  }

  get collection(): string {
    return this.home.name;
  }

  get metadata(): Metadata {
    if (typeof this.#metadata === "string") this.#metadata = JSON.parse(this.#metadata) as Metadata;
    return this.#metadata;
  }
}

/** All of the document but its text and passages, copied: what leaves the adapter. */
export function attributesOf(entry: DocumentEntry): DocumentAttributes & { readonly version: number } {
  const { id, collection, title, mediaType, language, uri, tags, taxonomyPath, metadata } = entry;
  const { createTimeMs, updateTimeMs, version } = entry;
  return {
    id,
    collection,
    title,
    mediaType,
    language,
    uri,
    tags,
    taxonomyPath,
    metadata,
    createTimeMs,
    updateTimeMs,
    version,
  };
}

export function toStoredDocument(entry: DocumentEntry, contentHash: string): StoredDocument {
  const vectors = entry.home.active?.vectors;
  return {
    ...attributesOf(entry),
    contentHash,
    passageCount: entry.passages.length,
    vectorCount: vectors === undefined ? 0 : entry.passages.filter(({ slot }) => vectors.has(slot)).length,
  };
}

/** Everything of one tenant that is kept in memory. No structure is shared between tenants but the numbers of terms. */
export class Tenant {
  readonly name: string;
  readonly documents = new Map<string, DocumentEntry>();
  readonly collections = new Map<string, CollectionEntry>();
  readonly passages = new Map<number, PassageEntry>();
  readonly passagesBySlot: (PassageEntry | undefined)[] = [];
  readonly postings = new Postings((left, right) => this.compareSlots(left, right));
  readonly filters = new FilterSets(this.documents);
  /** Counts changes, so that work in steps can tell whether what it has found still holds. */
  changes = 0;

  constructor(name: string) {
    this.name = name;
  }

  readonly compareSlots = (left: number, right: number): number => {
    const { document, ordinal } = this.passagesBySlot[right]!;
    return this.#compareTie(left, document.id, ordinal);
  };

  /** A place as the order of slots has it. */
  bound({ score, documentId, ordinal }: Place): Bound {
    return { score, isBefore: (slot) => this.#compareTie(slot, documentId, ordinal) > 0 };
  }

  /** 1 for each slot of these passages that is allowed as well; all are if undefined. */
  slotsOf(passageIds: readonly number[], allowed: Uint8Array | undefined): Uint8Array {
    const slots = new Uint8Array(this.passagesBySlot.length);
    for (const id of passageIds) {
      const slot = this.passages.get(id)?.slot;
      if (slot !== undefined && (allowed === undefined || allowed[slot] === 1)) slots[slot] = 1;
    }
    return slots;
  }

  #compareTie(slot: number, documentId: string, ordinal: number): number {
    const passage = this.passagesBySlot[slot]!;
    return compareCodePoints(passage.document.id, documentId) || passage.ordinal - ordinal;
  }

  toHits(found: readonly Scored[]): Hit[] {
    return found.map(({ item, score }) => {
      const { id, ordinal, document } = this.passagesBySlot[item]!;
      return { passageId: id, documentId: document.id, ordinal, score };
    });
  }
}
