import type { Graph as GraphMessage } from "@quartet/contracts/type/v1/graph";
import type { Graph } from "../domain/graph.ts";

export function fromGraphMessage({ entities, relations, mentions }: GraphMessage): Graph {
  return {
    entities: entities.map(({ id, name, kind, aliases }) => ({ id, name, kind, aliases })),
    relations: relations.map(({ sourceEntityId, targetEntityId, kind, weight }) => ({
      source: sourceEntityId,
      target: targetEntityId,
      kind,
      weight,
    })),
    mentions: mentions.map(({ entityId, documentId, span }) => ({
      entityId,
      documentId,
      span: span && { start: span.startOffset, end: span.endOffset },
    })),
  };
}
