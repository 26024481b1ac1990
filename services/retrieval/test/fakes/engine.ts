import type { DocumentChange } from "../../src/domain/outbox.ts";
import { IndexMissingError, type ProjectionWriter } from "../../src/domain/projection.ts";

/** An engine in memory: documents by index, seen after a refresh. */
export function createEngine() {
  const indexes = new Map<string, Map<string, DocumentChange>>();
  const writes: string[] = [];
  let served: string | undefined;
  let made = 0;
  let failure: (() => Error | undefined) | undefined;
  const writer: ProjectionWriter = {
    create: async () => {
      const name = `index-${++made}`;
      indexes.set(name, new Map());
      return name;
    },
    write: async (names, changes) => {
      const error = failure?.();
      if (error !== undefined) throw error;
      for (const change of changes) {
        writes.push(change.documentId);
        for (const name of names) {
          const index = indexes.get(name);
          if (index === undefined) throw new IndexMissingError("engine");
          const known = index.get(change.documentId);
          if (known === undefined || known.seq < change.seq) index.set(change.documentId, change);
        }
      }
      const refused = changes.filter(({ documentId }) => documentId === "poison");
      const passages = refused.map(({ tenant, documentId }) => ({ tenant, documentId, passageId: 1, reason: "no" }));
      return { passageCount: changes.length, refused: passages };
    },
    refresh: async () => {},
    indexes: async () => [...indexes.keys()],
    documentCount: async (name) => [...indexes.get(name)!.values()].filter(({ current }) => current).length,
    serving: async () => served,
    isCurrent: () => true,
    serve: async (name) => void (served = name),
    drop: async (name) => void indexes.delete(name),
  };
  return {
    writer,
    writes,
    failWith: (next: typeof failure) => void (failure = next),
    lose: () => {
      indexes.clear();
      served = undefined;
    },
    found: () =>
      [...(indexes.get(served ?? "")?.values() ?? [])].flatMap(({ documentId, current }) =>
        current ? [documentId] : [],
      ),
  };
}
