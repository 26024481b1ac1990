import type { Transport } from "@connectrpc/connect";
import { EmbeddingPurpose, EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import type { EmbeddingSpace, Vector } from "@quartet/contracts/type/v1/vector";
import { createClient } from "@quartet/rpc";
import type { QueryVector } from "../domain/ports.ts";
import type { Call } from "../domain/stages.ts";
import { unexpectedReply } from "./hop-errors.ts";
import type { Hop } from "./hop.ts";

export interface EmbeddingHop {
  /** The question's vector in the given space, or in the embedder's own. */
  embedQuery(question: string, spaceId: string | undefined, call: Call): Promise<QueryVector<Vector>>;
  /** One vector per passage text, in order. */
  embedPassages(texts: readonly string[], spaceId: string, call: Call): Promise<readonly Vector[]>;
  /** The embedder's own space. */
  space(call: Call): Promise<EmbeddingSpace>;
}

export function createEmbeddingHop(transport: Transport, hop: Hop): EmbeddingHop {
  const client = createClient(EmbeddingService, transport);

  const embed = async (texts: string[], purpose: EmbeddingPurpose, spaceId: string, call: Call) => {
    const response = await hop.unary(call, (options) => client.embedTexts({ texts, purpose, spaceId }, options));
    if (response.space === undefined || response.embeddings.length !== texts.length) throw unexpectedReply(hop.name);
    return { ...response, space: response.space };
  };

  return {
    async embedQuery(question, spaceId, call) {
      const { space, embeddings, usage } = await embed([question], EmbeddingPurpose.QUERY, spaceId ?? "", call);
      const [embedding] = embeddings;
      if (embedding?.vector === undefined) throw unexpectedReply(hop.name);
      return { vector: embedding.vector, spaceId: space.id, cached: embedding.cached, usage };
    },
    async embedPassages(texts, spaceId, call) {
      const { space, embeddings } = await embed([...texts], EmbeddingPurpose.DOCUMENT, spaceId, call);
      if (space.id !== spaceId) throw unexpectedReply(hop.name);
      return embeddings.map(({ vector }) => {
        if (vector === undefined) throw unexpectedReply(hop.name);
        return vector;
      });
    },
    space: async (call) => (await embed([], EmbeddingPurpose.DOCUMENT, "", call)).space,
  };
}
